"""The datasets, methods and backbones of a grid, with what expansion must know about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import ClassVar, Self, TypeVar

from benchbench.contract import (
    Kind,
    Parameter,
    Params,
    Reference,
    Value,
    all_as_published,
    as_given,
    resolve,
)


@dataclass(frozen=True, slots=True)
class GridMember:
    """A reference with the parameters that its dataset, method or backbone declares."""

    noun: ClassVar[str]
    reference: Reference
    parameters: tuple[Parameter, ...]

    @property
    def name(self) -> str:
        """The name that the leaderboard shows."""
        return self.reference.name

    @property
    def names(self) -> tuple[str, ...]:
        """The names that stand before a parameter of this member, as in `name.parameter`."""
        use = self.reference.use
        return self.reference.name, use, as_given(use)

    def setters(self, names: Iterable[str]) -> dict[str, str]:
        """Map this member's parameters to the names that set them.

        `rank` sets the parameter of every member that declares it; `head.rank` sets that of
        `head`, and is nearer to it than `rank`.
        """
        names = list(names)
        declared = {parameter.name for parameter in self.parameters}
        setters = {name: name for name in names if name in declared}
        for name in names:
            owner, dot, parameter = name.rpartition(".")
            if dot and owner in self.names:
                setters[parameter] = name
        return setters

    def values(self) -> dict[str, Value]:
        """Return a value for every declared parameter; the reference must have no faults."""
        return resolve(self.name, self.parameters, self.reference.params)[0]

    def asking(self, params: Params) -> tuple[Self, list[str]]:
        """Return (this member with these parameters, faults).

        Values get their declared type, so that "8" and 8 are the same cell, and a path becomes
        the name of its file.
        """
        values, faults = resolve(self.name, self.parameters, params)
        typed = {name: values.get(name, value) for name, value in sorted(params.items())}
        params = all_as_published(typed)
        return replace(self, reference=replace(self.reference, params=params)), faults

    def called(self, name: str, params: Params) -> Self:
        """Return this member under another name and with more parameters, not checked yet."""
        reference = Reference(self.reference.use, name, {**self.reference.params, **params})
        return replace(self, reference=reference)


@dataclass(frozen=True, slots=True)
class DatasetMember(GridMember):
    """A dataset of a grid; `kind_of` returns its kind of data for a value of each parameter."""

    noun: ClassVar[str] = "dataset"
    kind_of: Callable[[Params], Kind]

    def kind(self) -> Kind:
        """Return the kind of data that the reference's parameters give."""
        return self.kind_of(self.values())


@dataclass(frozen=True, slots=True)
class MethodMember(GridMember):
    """A method of a grid: the data and the backbones it takes, and whether the seed matters."""

    noun: ClassVar[str] = "method"
    kinds: tuple[Kind, ...]
    backbone_kinds: tuple[str, ...]
    seeded: bool


@dataclass(frozen=True, slots=True)
class BackboneMember(GridMember):
    """A backbone of a grid; `kind` is "causal-lm" or "encoder"."""

    noun: ClassVar[str] = "backbone"
    kind: str


AnyMember = TypeVar("AnyMember", bound=GridMember)

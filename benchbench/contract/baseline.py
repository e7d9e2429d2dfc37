"""A published score."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from benchbench.contract.parameters import Parameter, Params, Value


@dataclass(frozen=True, slots=True)
class Baseline:
    """A published score. It is shown as reported and never ranked.

    It is shown only for a dataset whose parameters have the values in `params`. Any parameter that
    is not named there must have its default, since it may change which documents there are.
    `free` names the parameters that may have any value.
    """

    name: str
    dataset: str
    params: Params
    metric: str
    value: float
    citation: str
    note: str = ""
    free: tuple[str, ...] = ()

    def required(self, declared: Iterable[Parameter]) -> dict[str, Value]:
        """Return the value that each declared parameter of the dataset must have."""
        defaults = {
            parameter.name: parameter.default
            for parameter in declared
            if parameter.default is not None and parameter.name not in self.free
        }
        return {**defaults, **self.params}

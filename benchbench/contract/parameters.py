"""A parameter declared by a dataset, a method or a backbone, and how given values meet it."""

from __future__ import annotations

import contextlib
import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Value = str | int | float | bool
Params = Mapping[str, Value]
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One declared parameter.

    `default` None means that a value must be given. `words` are strings accepted beside values
    of `type` (`Parameter("learning_rate", float, "auto", "...", words=("auto",))`); for `str`,
    `choices` closes the set of values. `minimum` and `maximum` are inclusive.
    """

    name: str
    type: type[str] | type[int] | type[float] | type[bool]
    default: Value | None
    help: str
    words: tuple[str, ...] = ()
    choices: tuple[Value, ...] = ()
    minimum: float | None = None
    maximum: float | None = None

    def parse(self, given: Value) -> Value:
        """Return `given` as this parameter's type; raise ValueError saying what was expected."""
        if isinstance(given, str) and given in self.words:
            return given
        value = _convert(self.type, given)
        if value is None or (self.choices and value not in self.choices):
            raise ValueError(f"expected {self.expected()}, found {given!r}")
        if isinstance(value, float | int) and not isinstance(value, bool):
            below = self.minimum is not None and value < self.minimum
            above = self.maximum is not None and value > self.maximum
            if below or above:
                raise ValueError(f"expected {self.expected()}, found {given!r}")
        return value

    def expected(self) -> str:
        """Say in words which values are taken."""
        if self.choices:
            return "one of " + ", ".join(map(str, self.choices))
        noun = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
        words = "".join(f" or '{word}'" for word in self.words)
        if self.minimum is not None and self.maximum is not None:
            return f"{noun[self.type]} from {self.minimum:g} to {self.maximum:g}{words}"
        if self.minimum is not None:
            return f"{noun[self.type]} of at least {self.minimum:g}{words}"
        return noun[self.type] + words


def resolve(
    owner: str, declared: Iterable[Parameter], given: Params
) -> tuple[dict[str, Value], list[str]]:
    """Return (a value for every declared parameter, faults). `owner` names them in the faults."""
    known = {parameter.name: parameter for parameter in declared}
    faults = [
        f"unknown parameter '{owner}.{name}'{did_you_mean(name, known)}"
        for name in given
        if name not in known
    ]
    values: dict[str, Value] = {}
    for name, parameter in known.items():
        if name in given:
            try:
                values[name] = parameter.parse(given[name])
            except ValueError as error:
                faults.append(f"'{owner}.{name}': {error}")
        elif parameter.default is None:
            faults.append(
                f"'{owner}.{name}' must be given: {parameter.help}; --set {owner}.{name}=VALUE"
            )
        else:
            values[name] = parameter.default
    return values, faults


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the tail of an unknown-name message: the nearest name, and all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return f".{hint} Available: {', '.join(names) or 'none'}."


def _convert(kind: type, given: Value) -> Value | None:
    """Return `given` as `kind`, or None where it does not fit. Text comes from `--set`."""
    if not isinstance(given, str | int | float):
        return None  # a list or a date of a TOML file
    if kind is str:
        return str(given)
    if kind is bool:
        if isinstance(given, bool):
            return given
        words = {"true": True, "yes": True, "false": False, "no": False}
        return words.get(given.lower()) if isinstance(given, str) else None
    if isinstance(given, bool):
        return None
    if kind is int and not isinstance(given, float):
        with contextlib.suppress(ValueError):
            return int(given)  # by way of a float, 2**53 + 1 would become another number
    try:
        number = float(given)
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(number):
        return None
    if kind is float:
        return number
    return int(number) if number.is_integer() else None

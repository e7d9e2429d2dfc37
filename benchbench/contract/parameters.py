"""The parameters that a dataset, method or backbone declares, and how their values are read."""

from __future__ import annotations

import contextlib
import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from benchbench.contract.local_path import as_given
from benchbench.contract.rules import is_storable

Value = str | int | float | bool
Params = Mapping[str, Value]
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One declared parameter.

    A `default` of None means that a value must be given. `words` are texts that are accepted
    besides values of `type` (`Parameter("learning_rate", float, "auto", "...", words=("auto",))`).
    If there are `choices`, no other value is accepted. `minimum` and `maximum` are inclusive.
    """

    name: str
    type: type[str] | type[int] | type[float] | type[bool]
    default: Value | None
    help: str
    words: tuple[str, ...] = ()
    choices: tuple[Value, ...] = ()
    minimum: float | None = None
    maximum: float | None = None

    def parse(self, value: Value) -> Value:
        """Return `value` in this parameter's type; raise ValueError where it does not fit.

        Text is converted, since values from the command line are text. A path is as given.
        """
        value = as_given(value)
        if isinstance(value, str) and value in self.words:
            return value
        parsed = _convert(self.type, value)
        if (
            parsed is None
            or not is_storable(parsed)
            or (self.choices and parsed not in self.choices)
        ):
            raise ValueError(f"expected {self.expected()}, found {value!r}")
        if isinstance(parsed, float | int) and not isinstance(parsed, bool):
            below = self.minimum is not None and parsed < self.minimum
            above = self.maximum is not None and parsed > self.maximum
            if below or above:
                raise ValueError(f"expected {self.expected()}, found {value!r}")
        return parsed

    def expected(self) -> str:
        """Describe the accepted values in words."""
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
    owner: str, declared: Iterable[Parameter], params: Params
) -> tuple[dict[str, Value], list[str]]:
    """Return a value for every declared parameter, and the faults of `params`.

    A fault names a parameter as "owner.name".
    """
    known = {parameter.name: parameter for parameter in declared}
    faults = [
        f"unknown parameter '{owner}.{name}'{did_you_mean(name, known)}"
        for name in params
        if name not in known
    ]
    values: dict[str, Value] = {}
    for name, parameter in known.items():
        if name in params:
            try:
                values[name] = parameter.parse(params[name])
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
    """Return the end of a message about an unknown name: the nearest name, and all names."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return f".{hint} Available: {', '.join(names) or 'none'}."


def _convert(kind: type, value: Value) -> Value | None:
    """Return `value` as `kind`, or None where it does not fit."""
    if not isinstance(value, str | int | float):
        return None  # e.g. a list or a date in a TOML file
    if kind is str:
        return str(value)
    if kind is bool:
        if isinstance(value, bool):
            return value
        words = {"true": True, "yes": True, "false": False, "no": False}
        return words.get(value.lower()) if isinstance(value, str) else None
    if isinstance(value, bool):
        return None
    if kind is int and not isinstance(value, float):
        with contextlib.suppress(ValueError):
            return int(value)  # through a float, 2**53 + 1 would become another number
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(number):
        return None
    if kind is float:
        return number
    return int(number) if number.is_integer() else None

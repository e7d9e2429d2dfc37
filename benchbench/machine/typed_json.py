"""Reads plain data, as JSON holds it, into a frozen dataclass by the dataclass's own annotations.

`read_as(Board, data)` gives a Board of which every field, however deep, has the type that the
class declares. Known are str, int, float, bool, None, Any, Literal, unions of these, tuples,
Sequence, Mapping, nested dataclasses and Annotated with a `Rule`. `Any` is free plain data.

A class may have two methods for what its annotations cannot say:

- `fields_of(data)`, static: the fields by name, from the form that is stored or an older one.
- `check()`: raises ValueError where fields do not fit each other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from benchbench.contract import LARGEST_FLOAT, LONGEST_TEXT, Rule, is_storable

Form = TypeVar("Form")
Reader = Callable[[Any], Any]

DEEPEST = 32
"""The most levels of lists and tables in free plain data."""
SHOWN = 60
"""The most characters of a wrong value that a message shows."""
SIMPLE_NAME = re.compile(r"[A-Za-z0-9_/+-]{1,80}")
NOUNS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false",
         NoneType: "null"}  # fmt: skip


class WrongForm(ValueError):
    """Plain data does not have the form that was expected. The message names the place in it."""

    def __init__(self, fault: str, place: tuple[str | int, ...] = ()) -> None:
        super().__init__(fault, place)
        self.fault, self.place = fault, place

    def inside(self, name: str | int) -> WrongForm:
        """Return the same fault, seen from the table or list that holds the place as `name`."""
        return WrongForm(self.fault, (name, *self.place))

    def __str__(self) -> str:
        """Return the place and the fault in one line of visible characters."""
        return f"{_dotted(self.place) or 'it'}{self.fault}"


def read_as(form: type[Form], data: object) -> Form:
    """Return `data` as a value of the dataclass `form`; raise WrongForm where it does not fit."""
    reader: Callable[[object], Form] = _reader(form)  # type: ignore[arg-type]
    return reader(data)


@cache
def _reader(form: Any) -> Reader:
    """Return the function that reads one type; raise TypeError for a type that is not known."""
    origin, arguments = get_origin(form), get_args(form)
    if form in SCALARS:
        return SCALARS[form]
    if origin is Annotated:
        return _ruled(arguments[0], arguments[1:])
    if origin is Literal:
        return _choice(arguments)
    if origin in (Union, UnionType):
        return _union(arguments)
    if origin is Mapping:
        return _table(*arguments)
    if origin is Sequence or (origin is tuple and arguments[-1] is Ellipsis):
        return _list(arguments[0])
    if origin is tuple:
        return _row(arguments)
    if is_dataclass(form):
        return _fields(form)
    raise TypeError(f"no reader for {form}")


def _wrong(found: object, expected: str) -> WrongForm:
    return WrongForm(f" is {_shown(found)}; expected {expected}")


def _text(value: Any) -> Any:
    if type(value) is not str:
        raise _wrong(value, "a text")
    if not is_storable(value):
        raise WrongForm(f" has {len(value):,} characters; at most {LONGEST_TEXT:,} are read")
    return value


def _integer(value: Any) -> Any:
    if type(value) is not int:
        raise _wrong(value, "a whole number")
    if not is_storable(value):
        raise _wrong(value, "a whole number of 64 bits")
    return value


def _number(value: Any) -> Any:
    if type(value) is int:
        return _integer(value)  # it stays an int, so that its spelling stays the same
    if type(value) is not float:
        raise _wrong(value, "a number")
    if not is_storable(value):
        raise _wrong(value, f"a number within ±{LARGEST_FLOAT:g}")
    return value


def _truth(value: Any) -> Any:
    if type(value) is not bool:
        raise _wrong(value, "true or false")
    return value


def _nothing(value: Any) -> Any:
    if value is not None:
        raise _wrong(value, "null")
    return value


def _free(value: Any, depth: int = 0) -> Any:
    """Read plain data of any form, within bounds."""
    if (scalar := SCALARS.get(type(value))) is not None:
        return scalar(value)
    if depth == DEEPEST:
        raise WrongForm(f" is nested deeper than {DEEPEST} levels")
    if type(value) is dict:
        for name, inner in value.items():
            _at(name, _text, name)
            _at(name, lambda inner: _free(inner, depth + 1), inner)
        return value
    if type(value) in (list, tuple):
        for place, inner in enumerate(value):
            _at(place, lambda inner: _free(inner, depth + 1), inner)
        return value
    raise _wrong(value, "plain data")


SCALARS: dict[Any, Reader] = {
    str: _text, int: _integer, float: _number, bool: _truth, NoneType: _nothing, Any: _free
}  # fmt: skip


def _at(name: str | int, reader: Reader, value: Any) -> Any:
    """Read the value that a table or list holds as `name`."""
    try:
        return reader(value)
    except WrongForm as error:
        raise error.inside(name) from None


def _ruled(form: Any, rules: tuple[Rule, ...]) -> Reader:
    reader = _reader(form)

    def read(value: Any) -> Any:
        made = reader(value)
        for rule in rules:
            if not rule.holds(made):
                raise _wrong(value, rule.expected)
        return made

    return read


def _choice(choices: tuple[Any, ...]) -> Reader:
    expected = "one of " + ", ".join(json.dumps(choice) for choice in choices)

    def read(value: Any) -> Any:
        if not any(type(value) is type(choice) and value == choice for choice in choices):
            raise _wrong(value, expected)
        return value

    return read


def _union(forms: tuple[Any, ...]) -> Reader:
    """Return a reader that takes the member whose type the value has; of others, at most one."""
    readers = {form: _reader(form) for form in forms if form in SCALARS}
    others = [form for form in forms if form not in SCALARS]
    other = _reader(others[0]) if others else readers.get(float)
    expected = " or ".join(NOUNS.get(form, "") for form in forms)

    def read(value: Any) -> Any:
        reader = readers.get(type(value), other)
        if reader is None:
            raise _wrong(value, expected)
        return reader(value)

    return read


def _list(form: Any) -> Reader:
    reader = _reader(form)

    def read(value: Any) -> Any:
        if type(value) not in (list, tuple):
            raise _wrong(value, "a list")
        return tuple([_at(place, reader, inner) for place, inner in enumerate(value)])

    return read


def _row(forms: tuple[Any, ...]) -> Reader:
    """Return a reader of a list with one type per place."""
    readers = tuple(map(_reader, forms))

    def read(value: Any) -> Any:
        if type(value) not in (list, tuple) or len(value) != len(readers):
            raise _wrong(value, f"a list of {len(readers)} values")
        pairs = enumerate(zip(readers, value, strict=True))
        return tuple([_at(place, reader, inner) for place, (reader, inner) in pairs])

    return read


def _table(names: Any, form: Any) -> Reader:
    name_reader, reader = _reader(names), _reader(form)

    def read(value: Any) -> Any:
        if type(value) is not dict:
            raise _wrong(value, "a table of names and values")
        for name in value:
            _at(name, name_reader, name)
        return {name: _at(name, reader, inner) for name, inner in value.items()}

    return read


def _fields(form: Any) -> Reader:
    """Return a reader of a dataclass: every field that has no default, and no other field."""
    types = get_type_hints(form, include_extras=True)
    readers = {field.name: _reader(types[field.name]) for field in fields(form)}
    needed = [
        field.name
        for field in fields(form)
        if field.default is MISSING and field.default_factory is MISSING
    ]
    fields_of = getattr(form, "fields_of", lambda data: data)
    check = getattr(form, "check", lambda made: None)

    def read(value: Any) -> Any:
        if type(value) is not dict:
            raise _wrong(value, "a table of names and values")
        try:
            given = fields_of(value)
            for name in given:
                if name not in readers:
                    raise WrongForm(" is not a known field", (name,))
            for name in needed:
                if name not in given:
                    raise WrongForm(" is missing", (name,))
            made = form(**{name: _at(name, readers[name], given[name]) for name in given})
            check(made)
        except WrongForm:
            raise
        except ValueError as error:
            raise WrongForm(f": {error}") from None
        return made

    return read


def _dotted(place: tuple[str | int, ...]) -> str:
    """Return a place in a document, as in `datasets.claims.warnings[2]`."""
    path = ""
    for name in place:
        if isinstance(name, str) and SIMPLE_NAME.fullmatch(name):
            path += f".{name}" if path else name
        else:
            path += f"[{_shown(name)}]"
    return path


def _shown(value: object) -> str:
    """Return a value in a few visible characters."""
    if isinstance(value, dict):
        return f"a table of {len(value):,} names"
    if isinstance(value, list | tuple):
        return f"a list of {len(value):,} values"
    text = json.dumps(value[:SHOWN] if isinstance(value, str) else value, default=repr)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."

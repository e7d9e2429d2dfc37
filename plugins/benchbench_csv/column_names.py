"""The names of columns: as the user writes them, and as the file has them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from benchbench import LoaderError, did_you_mean
from benchbench_csv.row_counts import BadRow

UNSEEN = "\ufeff\u200b\u2060"
"""A byte order mark, a zero-width space, a word joiner: spreadsheets leave them in headers."""


def column_names(parameter: str, text: str) -> tuple[str, ...]:
    r"""Return the names in a list with commas; a comma of a name has a backslash before it.

    Raises LoaderError, which names the parameter, for an empty name and for one given twice.

    >>> column_names("csv.text", "title,abs\\,tract")
    ('title', 'abs,tract')
    """
    names = tuple(piece.replace("\\,", ",") for piece in re.split(r"(?<!\\),", text))
    plain = [plain_name(name) for name in names]
    if not all(plain):
        raise LoaderError(f"{parameter} must name columns, found {text!r}")
    for name in plain:
        if plain.count(name) > 1:
            raise LoaderError(f"{parameter} names the column '{name}' twice; give it once")
    return names


def plain_name(name: str) -> str:
    """Return a name without the space and the unseen characters around it.

    >>> plain_name(" text ")
    'text'
    """
    return name.strip(UNSEEN).strip().strip(UNSEEN)


def find_column(name: str, available: Sequence[str]) -> str | None:
    """Return the column of that name, else the only one whose plain name it is, else None.

    >>> find_column("text", [" text", "label"])
    ' text'
    """
    if name in available:
        return name
    alike = [column for column in available if plain_name(column) == plain_name(name)]
    return alike[0] if len(alike) == 1 else None


def find_columns(where: str, names: Sequence[str], header: Sequence[str]) -> Mapping[str, str]:
    """Map each name to its column in a header.

    Raises LoaderError for a column that occurs twice and for one that is missing.
    """
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise LoaderError(f"{where}: the column '{twice[0]}' occurs twice; rename one")
    found = {name: find_column(name, header) for name in names}
    for name, column in found.items():
        if column is None:
            raise LoaderError(unknown_column(where, name, header))
    return {name: column for name, column in found.items() if column is not None}


def cells_of(names: Sequence[str], row: Mapping[str, object]) -> Mapping[str, object]:
    """Return a JSON object's values by the names that were asked for. Raises BadRow."""
    if all(name in row for name in names):
        return row
    found = {name: find_column(name, list(row)) for name in names}
    for name, column in found.items():
        if column is None:
            raise BadRow(unknown_column("in this object", name, list(row)))
    return {name: row[column] for name, column in found.items() if column is not None}


def unknown_column(where: str, name: str, available: Sequence[str]) -> str:
    """Return the message about a missing column, with the nearest name and all names."""
    alike = [column for column in available if plain_name(column) == plain_name(name)]
    if alike:
        listed = " and ".join(map(repr, alike))
        return f"{where}: '{name}' may be {listed}; give the name with its spaces"
    comma = any("," in column for column in available)
    hint = " Write \\, for a comma in a name." if comma else ""
    return f"{where}: unknown column '{name}'{did_you_mean(name, available)}{hint}"

"""The value of one cell: as text, as a list, as a weight, as yes or no."""

from __future__ import annotations

import datetime
import decimal
import json
from collections.abc import Mapping

from benchbench_csv.row_counts import BadRow

Cells = Mapping[str, object]
"""The cells of a row, by the names of the columns that were asked for."""

FLAGS = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False}
DATES = (datetime.date, datetime.time)  # a datetime is a date


class Literal(str):
    """A number of a JSON file, kept as it was written: `1.10` stays `1.10`."""

    __slots__ = ()


def is_empty(cell: object) -> bool:
    """Say whether a cell holds nothing: no value, no text, or the NaN that pandas writes."""
    return cell is None or cell != cell or (isinstance(cell, str) and not cell.strip())


def as_text(name: str, cell: object, empty: str | None = None) -> str:
    """Return a cell of one value as text.

    Decimals keep their digits, dates are written as ISO 8601 says. An empty cell becomes
    `empty`, or is a bad row where that is None. Raises BadRow.
    """
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if is_empty(cell):
        if empty is None:
            raise BadRow(f"'{name}' is empty")
        return empty
    if isinstance(cell, int | float):
        return str(cell)
    if isinstance(cell, decimal.Decimal):
        return f"{cell:f}"  # str() would write a small one as 1E-7
    if isinstance(cell, DATES):
        return cell.isoformat()
    if not isinstance(cell, str):
        raise BadRow(f"'{name}': expected text or a number, found {shown(cell)}")
    return checked(cell)


def as_list(name: str, cell: object) -> list[object]:
    """Return the items of a list, which may be written as JSON text. Raises BadRow."""
    if is_empty(cell):
        return []
    if isinstance(cell, str) and not isinstance(cell, Literal):
        try:
            cell = json.loads(cell, parse_int=Literal, parse_float=Literal)
        except (ValueError, RecursionError):
            raise BadRow(f"'{name}': expected a JSON list, found {shown(cell)}") from None
    if not isinstance(cell, list):
        raise BadRow(f"'{name}': expected a list, found {shown(cell)}")
    return cell


def as_flag(name: str, cell: object) -> bool:
    """Return a cell that says whether a document has a label. Raises BadRow."""
    flag = FLAGS.get("" if cell is None else str(cell).strip().lower())
    if flag is None:
        raise BadRow(
            f"'{name}': expected 0, 1, true or false, since several label columns were given; "
            f"found {shown(cell)}"
        )
    return flag


def as_weight(name: str, cell: object) -> float:
    """Return a cell as a weight. Raises BadRow."""
    try:
        weight = float(cell) if isinstance(cell, str | int | float | decimal.Decimal) else -1.0
    except (ValueError, OverflowError):
        weight = -1.0
    if not 0 <= weight < float("inf"):
        raise BadRow(f"'{name}': expected a number of at least 0, found {shown(cell)}")
    return weight


def checked(text: str) -> str:
    """Return `text` unchanged; raise BadRow for what JSON allows and no text holds."""
    if "\0" in text:
        raise BadRow("the text holds a NUL character; remove it")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadRow("the text holds half of a surrogate pair; remove it") from None
    return str(text)


def shown(cell: object) -> str:
    """Return a value as it is shown in a message, cut to 40 characters."""
    if cell is None:
        return "null"
    text = str(cell) if isinstance(cell, Literal) else repr(cell)
    return text if len(text) <= 40 else f"{text[:37]}..."

"""A table as CSV: unrounded values, a column for each of them. Text never becomes a formula."""

from __future__ import annotations

import csv
import io

from benchbench.leaderboard import Leaderboard, Table, Value

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")
"""What makes a spreadsheet take a text for a formula when it begins with it (ASVS 1.2.10)."""


def render(board: Leaderboard, key: str) -> str:
    """Return the table `key` of every dataset as one CSV, the dataset in the first column.

    Datasets whose tables have different columns share their union; what one lacks is empty.
    """
    tables = [
        (section.title, table)
        for section in board.sections
        for table in section.tables
        if table.key == key
    ]
    names = list(dict.fromkeys(name for _, table in tables for name in _names(table)))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["dataset", "place", *(safe(name) for name in names), "reported"])
    for title, table in tables:
        for row in table.rows:
            values = dict(
                zip(
                    _names(table),
                    (value for entry in row.entries for value in entry.values),
                    strict=True,
                )
            )
            cells = [_cell(values.get(name)) for name in names]
            writer.writerow([safe(title), _cell(row.place), *cells, int(row.reported)])
    return out.getvalue()


def _names(table: Table) -> list[str]:
    return [name for column in table.columns for name in column.keys]


def _cell(value: Value) -> str:
    """Return a cell's text: numbers stay numbers, however they begin."""
    if value is None:
        return ""
    return safe(value) if isinstance(value, str) else repr(value)


def safe(text: str) -> str:
    """Return a text that a spreadsheet shows and does not compute; NUL is left out."""
    marked = f"'{text}" if text.startswith(FORMULA) else text
    return marked.replace("\0", "")

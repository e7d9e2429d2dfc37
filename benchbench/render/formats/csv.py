"""A table as CSV: unrounded values, one column per value. Text never becomes a formula."""

from __future__ import annotations

import csv
import io

from benchbench.leaderboard import Leaderboard, Row, Table, Value
from benchbench.render.output_format import OutputFormat

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")
"""A spreadsheet takes a text that begins with one of these for a formula (ASVS 1.2.10)."""


def render(board: Leaderboard, key: str) -> str:
    """Return the table `key` of every dataset as one CSV, the dataset in the first column.

    Datasets whose tables have different columns share all of them; what a dataset lacks is
    empty. Raises BenchbenchError where no dataset has such a table.
    """
    tables = board.tables(key)
    names = list(dict.fromkeys(name for _, table in tables for name in _names(table)))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["dataset", "place", *(safe(name) for name in names), "reported"])
    for title, table in tables:
        for row in table.rows:
            values = _values(table, row)
            texts = [_text(values.get(name)) for name in names]
            writer.writerow([safe(title), _text(row.place), *texts, int(row.reported)])
    return out.getvalue()


FORMAT = OutputFormat("one table with unrounded values (see --table)", render, takes_table=True)


def safe(text: str) -> str:
    """Return a text that a spreadsheet shows and does not compute; NUL is left out."""
    marked = f"'{text}" if text.startswith(FORMULA) else text
    return marked.replace("\0", "")


def _names(table: Table) -> list[str]:
    return [name for column in table.columns for name in column.keys]


def _values(table: Table, row: Row) -> dict[str, Value]:
    """Return the values of a row by the keys of their columns."""
    values = (value for entry in row.entries for value in entry.values)
    return dict(zip(_names(table), values, strict=True))


def _text(value: Value) -> str:
    """Return a value as text: numbers stay numbers, however they begin."""
    if value is None:
        return ""
    return safe(value) if isinstance(value, str) else repr(value)

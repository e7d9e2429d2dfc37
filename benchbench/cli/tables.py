"""Tables of the command line: columns of names stay whole, columns of sentences are wrapped."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchbench.render import plain

WIDTH_WITHOUT_TERMINAL = 120
MOST_OF_A_NAME = 24
"""The longest name that a column is made wide enough for; a longer one is wrapped."""

Rows = Iterable[Sequence[str]]


def wide_console() -> Console:
    """Return a console for standard output, wide enough for tables in a pipe or a file."""
    console = Console()
    if console.is_terminal or "COLUMNS" in os.environ:
        return console
    return Console(width=WIDTH_WITHOUT_TERMINAL)


def table_of_texts(columns: Sequence[str], rows: Rows, sentences: Iterable[str] = ()) -> Table:
    """Return a table of plain texts; the columns named in `sentences` give way to the others."""
    rows, sentences = list(rows), set(sentences)
    table = Table()
    for number, column in enumerate(columns):
        width = None if column in sentences else whole_words(row[number] for row in rows)
        table.add_column(column, overflow="fold", min_width=width)
    for row in rows:
        table.add_row(*(Text(plain(text)) for text in row))
    return table


def whole_words(texts: Iterable[str]) -> int:
    """Return the width at which no word of the texts is broken, at most `MOST_OF_A_NAME`."""
    widths = (len(word) for text in texts for word in text.split())
    return min(max(widths, default=0), MOST_OF_A_NAME)

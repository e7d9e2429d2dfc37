"""Tables of the command line, in which names stay whole where the terminal is wide enough."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchbench.render import plain

WIDTH_WITHOUT_TERMINAL = 120
LEAST_SENTENCE = 14
"""The characters that are kept for a column of sentences before names are made narrower."""

Rows = Iterable[Sequence[str]]


def wide_console() -> Console:
    """Return a console for standard output; in a pipe or a file it is wide enough for tables."""
    console = Console(markup=False)
    if console.is_terminal or "COLUMNS" in os.environ:
        return console
    return Console(width=WIDTH_WITHOUT_TERMINAL, markup=False)


def table_of_texts(
    columns: Sequence[str], rows: Rows, sentences: Sequence[str], width: int
) -> Table:
    """Return a table of plain texts for a terminal of `width` characters.

    The columns named in `sentences` take the room that the others leave.
    """
    lines = [[plain(text) for text in row] for row in rows]
    names = [number for number, column in enumerate(columns) if column not in sentences]
    borders = 3 * len(columns) + 1
    widths = name_widths(
        [[columns[number], *(line[number] for line in lines)] for number in names],
        width - borders - LEAST_SENTENCE * len(sentences),
    )
    width_of = dict(zip(names, widths, strict=True))
    table = Table()
    for number, column in enumerate(columns):
        table.add_column(column, overflow="fold", width=width_of.get(number))
    for line in lines:
        table.add_row(*map(Text, line))
    return table


def name_widths(columns: Iterable[Iterable[str]], room: int) -> list[int | None]:
    """Return the widths of columns of names whose sum is at most `room`.

    A column is as wide as its longest text; where there is no room for that, as its longest word.
    Where there is no room for words either, the widths are None: rich breaks words then.
    """
    texts = [list(column) for column in columns]
    whole = [max(map(cell_len, column), default=0) for column in texts]
    words = [
        max((cell_len(word) for text in column for word in text.split()), default=0)
        for column in texts
    ]
    fitting = (widths for widths in (whole, words) if sum(widths) <= room)
    return [*next(fitting, [None] * len(texts))]

"""A leaderboard for a terminal, by rich; names are plain text there too."""

from __future__ import annotations

import unicodedata

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchbench.leaderboard import Leaderboard
from benchbench.leaderboard import Table as Data

HIDDEN = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
"""Unicode categories that drive a terminal, turn text round or cannot be written."""
PADDING = 3
BORDER = 6
"""What the table's edges and the column of places take."""


def show(board: Leaderboard, console: Console) -> None:
    """Print the leaderboard, in as many tables as the terminal's width asks for."""
    if board.note:
        console.print()
        console.print(Text(plain(board.note)))
    for section in board.sections:
        console.print()
        console.print(Text(plain(section.title), style="bold"))
        for columns in _parts(section.ranking, console.width) if section.ranking.rows else ():
            console.print(_table(section.ranking, columns))
        if not section.ranking.rows:
            console.print(Text("No cell has a result yet."))
        if section.failures:
            console.print(Text("Without a result:", style="bold yellow"))
            for failure in section.failures:
                console.print(Text(f"  {plain(failure)}", style="yellow"))
        for note in section.notes:
            console.print(Text(plain(note), style="dim"))
    console.print()
    for note in board.notes:
        console.print(Text(plain(note), style="dim"))


def _parts(table: Data, width: int) -> list[list[int]]:
    """Share the columns out over tables that fit; each begins with the columns of words."""
    words = [place for place, column in enumerate(table.columns) if column.words]
    start = BORDER + sum(_width(table, column) for column in words)
    parts: list[list[int]] = [[]]
    used = start
    for column in range(len(table.columns)):
        if column in words:
            continue
        if parts[-1] and used + _width(table, column) > width:
            parts.append([])
            used = start
        parts[-1].append(column)
        used += _width(table, column)
    return [[*words, *part] for part in parts]


def _width(table: Data, column: int) -> int:
    """Return the character cells that a column takes when nothing in it is broken."""
    entries = [cell_len(plain(row.entries[column].text)) for row in table.rows]
    return max([cell_len(table.columns[column].title), *entries]) + PADDING


def _table(data: Data, columns: list[int]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("#", justify="right")
    scores = next(n for n, column in enumerate(data.columns) if not column.words)
    for column in columns:
        table.add_column(
            Text(data.columns[column].title),
            justify="left" if data.columns[column].words else "right",
            overflow="fold",
            style="bold" if column == scores else "",
        )
    for row in data.rows:
        place = "–" if row.place is None else str(row.place)
        entries = (Text(plain(row.entries[column].text)) for column in columns)
        table.add_row(place, *entries, style="italic" if row.reported else "")
    return table


def plain(text: str) -> str:
    """Return `text` without control characters: a label must not drive the terminal."""
    return "".join("�" if unicodedata.category(c) in HIDDEN else c for c in text)

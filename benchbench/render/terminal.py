"""A leaderboard for a terminal, by rich; names are plain text there too."""

from __future__ import annotations

import unicodedata

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchbench.leaderboard import Leaderboard, Section

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
        for columns in _parts(section, console.width) if section.rows else ():
            console.print(_table(section, columns))
        if not section.rows:
            console.print(Text("No cell has a result yet."))
        if section.failures:
            console.print(Text("Without a result:", style="bold yellow"))
            for failure in section.failures:
                console.print(Text(f"  {plain(failure)}", style="yellow"))
        for note in section.notes:
            console.print(Text(plain(note), style="dim"))
    for note in board.notes[1:]:
        console.print(Text(plain(note), style="dim"))


def _parts(section: Section, width: int) -> list[list[int]]:
    """Share the columns out over tables that fit; each begins with the columns of words."""
    words = list(range(section.words))
    start = BORDER + sum(_width(section, column) for column in words)
    parts: list[list[int]] = [[]]
    used = start
    for column in range(section.words, len(section.columns)):
        if parts[-1] and used + _width(section, column) > width:
            parts.append([])
            used = start
        parts[-1].append(column)
        used += _width(section, column)
    return [[*words, *part] for part in parts]


def _width(section: Section, column: int) -> int:
    """Return the character cells that a column takes when nothing in it is broken."""
    entries = [cell_len(plain(row.entries[column])) for row in section.rows]
    return max([cell_len(section.columns[column]), *entries]) + PADDING


def _table(section: Section, columns: list[int]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("#", justify="right")
    for column in columns:
        is_word = column < section.words
        table.add_column(
            Text(section.columns[column]),
            justify="left" if is_word else "right",
            overflow="fold",
            style="bold" if column == section.words else "",
        )
    for row in section.rows:
        place = "–" if row.place is None else str(row.place)
        entries = (Text(plain(row.entries[column])) for column in columns)
        table.add_row(place, *entries, style="italic" if row.reported else "")
    return table


def plain(text: str) -> str:
    """Return `text` without control characters: a label must not drive the terminal."""
    return "".join("�" if unicodedata.category(c) in HIDDEN else c for c in text)

"""A leaderboard for a terminal, by rich; names are plain text there too."""

from __future__ import annotations

import unicodedata

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchbench.leaderboard import Leaderboard, Section

HIDDEN = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
"""Unicode categories that drive a terminal, turn text round or cannot be written."""


def show(board: Leaderboard, console: Console) -> None:
    """Print the leaderboard."""
    for section in board.sections:
        console.print()
        console.print(_table(section))
        if section.failures:
            console.print(Text("Without a result:", style="bold yellow"))
            for failure in section.failures:
                console.print(Text(f"  {plain(failure)}", style="yellow"))
        for note in section.notes:
            console.print(Text(plain(note), style="dim"))
    for note in board.notes[1:]:
        console.print(Text(plain(note), style="dim"))


def _table(section: Section) -> Table:
    table = Table(title=Text(plain(section.title)), title_justify="left")
    table.add_column("#", justify="right")
    for number, column in enumerate(section.columns):
        is_word = number < section.words
        table.add_column(
            Text(column), justify="left" if is_word else "right", no_wrap=False, overflow="fold",
            style="bold" if number == section.words else "",
        )  # fmt: skip
    for row in section.rows:
        place = "–" if row.place is None else str(row.place)
        table.add_row(place, *(Text(plain(entry)) for entry in row.entries))
    return table


def plain(text: str) -> str:
    """Return `text` without control characters: a label must not drive the terminal."""
    return "".join("�" if unicodedata.category(c) in HIDDEN else c for c in text)

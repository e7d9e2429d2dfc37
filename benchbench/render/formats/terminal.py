"""A leaderboard for a terminal, drawn by rich. Names are data: they never drive the terminal."""

from __future__ import annotations

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchbench.leaderboard import Leaderboard
from benchbench.leaderboard import Table as BoardTable
from benchbench.render.characters import plain
from benchbench.render.output_format import OutputFormat

PADDING = 3
"""The characters between two columns."""
BORDER = 6
"""The characters that the table's edges and the column of places take."""


def render(board: Leaderboard) -> str:
    """Return what `show` prints on the terminal that standard output goes to."""
    console = Console(markup=False)
    with console.capture() as capture:
        show(board, console)
    return capture.get()


FORMAT = OutputFormat(
    "tables in colour, split to fit the width of the terminal", render, screen_only=True
)


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


def _parts(table: BoardTable, width: int) -> list[list[int]]:
    """Share the columns out over tables that fit; every table repeats the columns of words."""
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


def _width(table: BoardTable, column: int) -> int:
    """Return the width in characters that a column needs so that no text in it is broken."""
    widths = [cell_len(plain(row.entries[column].text)) for row in table.rows]
    return max([cell_len(table.columns[column].title), *widths]) + PADDING


def _table(data: BoardTable, columns: list[int]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("#", justify="right")
    score = next(place for place, column in enumerate(data.columns) if not column.words)
    for column in columns:
        table.add_column(
            Text(data.columns[column].title),
            justify="left" if data.columns[column].words else "right",
            overflow="fold",
            style="bold" if column == score else "",
        )
    for row in data.rows:
        place = "–" if row.place is None else str(row.place)
        texts = (Text(plain(row.entries[column].text)) for column in columns)
        table.add_row(place, *texts, style="italic" if row.reported else "")
    return table

"""A leaderboard for a terminal, drawn by rich. Names are data: they never drive the terminal.

A short one has the columns of the ranking that fit into the window, what has no result, and the
verdict. A whole one has all columns, in as many tables as they need, and all notes.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchbench.leaderboard import Leaderboard
from benchbench.leaderboard import Table as BoardTable
from benchbench.render.characters import plain
from benchbench.render.console import terminal_console
from benchbench.render.output_format import OutputFormat

MOST_WANTED = (
    "letters", "fit_seconds", "documents_per_second", "peak_mib", "low", "p_baseline_holm",
    "best_rank", "ece", "trainable_parameters",
)  # fmt: skip
"""The columns beside names and score that a narrow window shows first, by their first key."""
ALSO_SHOWN, ALSO_WHOLE = ("doubling",), ("learning",)
"""The tables beside the ranking that are always shown, and those shown where all is."""
RANKING = "ranking"
"""The table that is shown where no other is asked for."""
PADDING = 3
"""The characters between two columns."""
BORDER = 6
"""The characters that the table's edges and the column of places take."""


def render(board: Leaderboard, table: str = RANKING, *, whole: bool = False) -> str:
    """Return what is printed on the terminal that standard output goes to, the verdict last.

    Of another table than the ranking, all columns are printed, and nothing else.
    """
    console = terminal_console()
    with console.capture() as capture:
        if table == RANKING:
            show(board, console, whole=whole)
            show_verdict(board, console)
        else:
            _show_tables(board.tables(table), console)
    return capture.get()


FORMAT = OutputFormat(
    "the ranking in colour, as much of it as fits, and the verdict; all with --all",
    render,
    takes_table=True,
    screen_only=True,
)


def show(board: Leaderboard, console: Console, *, whole: bool = False) -> None:
    """Print the leaderboard: its main table, or all of it in as many tables as that takes."""
    if board.note:
        console.print()
        console.print(Text(plain(board.note)))
    for section in board.sections:
        console.print()
        console.print(Text(plain(section.title), style="bold"))
        _show_ranking(section.ranking, console, whole=whole)
        if section.failures:
            console.print(Text("Without a result:", style="bold yellow"))
            for failure in section.failures:
                console.print(Text(f"  {plain(failure)}", style="yellow"))
        for table in section.tables:
            if table.key in ALSO_SHOWN or (whole and table.key in ALSO_WHOLE):
                _show_further(table, console, whole=whole)
        for note in section.notes if whole else ():
            console.print(Text(plain(note), style="dim"))
    console.print()
    for note in board.notes if whole else ():
        console.print(Text(plain(note), style="dim"))


def show_verdict(board: Leaderboard, console: Console) -> None:
    """Print the verdict on every dataset."""
    for section in board.sections:
        if section.verdict:
            name = f"{plain(section.title)}: " if len(board.sections) > 1 else ""
            sentences = plain(" ".join(section.verdict))
            console.print(Text.assemble((name, "bold"), sentences))


def _show_tables(tables: Iterable[tuple[str, BoardTable]], console: Console) -> None:
    """Print a table of every dataset, and its notes."""
    for title, table in tables:
        console.print()
        console.print(Text(f"{plain(title)}: {plain(table.title)}", style="bold"))
        for columns in _parts(table, console.width):
            console.print(_table(table, columns))
        for note in table.notes:
            console.print(Text(plain(note), style="dim"))


def _show_ranking(ranking: BoardTable, console: Console, *, whole: bool) -> None:
    if not ranking.rows:
        console.print(Text("No cell has a result yet."))
        return
    fitting = _fitting(ranking, console.width)
    for columns in _parts(ranking, console.width) if whole else [fitting]:
        console.print(_table(ranking, columns))
    if not whole and (left := len(ranking.columns) - len(fitting)):
        more = f"{left} more {'column' if left == 1 else 'columns'}, and all notes"
        console.print(Text(f"{more}: benchbench leaderboard --all", style="dim"))


def _show_further(table: BoardTable, console: Console, *, whole: bool) -> None:
    """Print a table: the columns that fit, or all of them and what stands below it."""
    console.print(Text(plain(table.title), style="bold"))
    parts = _parts(table, console.width) if whole else [_fitting(table, console.width)]
    for columns in parts:
        console.print(_table(table, columns))
    for note in table.notes if whole else ():
        console.print(Text(plain(note), style="dim"))


def _fitting(table: BoardTable, width: int) -> list[int]:
    """Return the columns that fit into the width: words and the score, then what is wanted most."""
    keys = [column.keys[0] for column in table.columns]
    words = [place for place, column in enumerate(table.columns) if column.words]
    score = next((place for place in range(len(keys)) if place not in words), None)
    chosen = [*words, *(() if score is None else (score,))]
    used = BORDER + sum(_width(table, column) for column in chosen)
    others = (place for place in range(len(keys)) if place not in chosen)
    for place in sorted(others, key=lambda place: _wanted(keys[place])):
        if used + _width(table, place) <= width:
            chosen.append(place)
            used += _width(table, place)
    return sorted(chosen)


def _wanted(key: str) -> int:
    return MOST_WANTED.index(key) if key in MOST_WANTED else len(MOST_WANTED)


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

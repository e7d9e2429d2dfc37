"""Progress on a terminal: a bar for all cells, and below it two rows for each running cell.

    all cells  ━━━━━━━━━━━━━━ 12/58 in 32 min · about 2.1 h left
    embedding-head · nano-llama · demo-claims · seed 0 · 75 s
    train      ━━━━━━━━━━━━━━ 120/400 · 2 min left · loss 0.531 · 140 documents/s

A cell's name has a row of its own, so that the bars keep their place on 80 columns.
"""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Column, Table
from rich.text import Text

from benchbench.cli.durations import rest_of_grid
from benchbench.cli.grid_progress import GridProgress
from benchbench.cli.progress_text import time_left_of, values
from benchbench.leaderboard import duration
from benchbench.planning import Forecast, RunningCell
from benchbench.render import plain

NAME_WIDTH, BAR_WIDTH = 10, 14
SEPARATOR = " · "


def bars(grid: GridProgress, began: float, now: float) -> Group:
    """Return the rows of all cells and of each running one."""
    rows: list[RenderableType] = [
        _row("all cells", _bar(grid.done, grid.total, now), _of_grid(grid, began, now))
    ]
    for cell, running in grid.running.items():
        title = f"{plain(grid.title(cell))} · {duration(now - running.started)}"
        rows.append(Text(title, no_wrap=True, overflow="ellipsis"))
        rows.append(_of_cell(running, grid.need(cell), now))
    return Group(*rows)


def _of_grid(grid: GridProgress, began: float, now: float) -> str:
    spent = f"{grid.done}/{grid.total} in {duration(now - began)}"
    if grid.done == grid.total:
        return spent
    return f"{spent}{SEPARATOR}{rest_of_grid(grid.left(now))}"


def _of_cell(running: RunningCell, need: Forecast, now: float) -> Table:
    event = running.event
    if event is None:
        return _row("start", _bar(0, 0, now), "")
    steps = [f"{event.step}/{event.total}"] if event.step else []
    left = [text.removeprefix("about ") for text in time_left_of(running, need, now)]
    parts = [*steps, *left, *values(event)]
    return _row(plain(event.stage), _bar(event.step, event.total, now), SEPARATOR.join(parts))


def _row(name: str, bar: ProgressBar, detail: str) -> Table:
    """Return a row of fixed places; the detail is cut where the terminal ends."""
    columns = (
        Column(width=NAME_WIDTH, no_wrap=True, overflow="ellipsis"),
        Column(width=BAR_WIDTH),
        Column(ratio=1, no_wrap=True, overflow="ellipsis"),
    )
    table = Table.grid(*columns, padding=(0, 1), expand=True)
    table.add_row(Text(name), bar, Text(detail))
    return table


def _bar(done: int, total: int, now: float) -> ProgressBar:
    """Return a bar; one that pulses where there is no step yet."""
    pulse = total <= 0 or (done <= 0 and total == 1)
    return ProgressBar(max(1, total), done, BAR_WIDTH, pulse=pulse, animation_time=now)

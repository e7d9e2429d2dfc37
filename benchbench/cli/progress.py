"""The progress of a run: a watcher plugin that draws bars on a terminal, else prints lines."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from types import TracebackType

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from benchbench.cli.durations import rest_of_grid
from benchbench.cli.grid_progress import GridProgress
from benchbench.cli.heartbeat import EVERY_SECONDS, ticking
from benchbench.cli.progress_bars import bars
from benchbench.cli.progress_text import describe
from benchbench.contract import Cell, Event, Record, hookimpl
from benchbench.planning import Forecast
from benchbench.render import plain

STYLES = {"ok": "green", "skipped": "yellow"}
FRAMES_PER_SECOND = 4


class ProgressWatcher:
    """Prints a line per finished cell, and shows what the running cells do and what is left.

    On a terminal these are bars. In a file or a pipe, a cell that runs longer has a line every 30
    seconds, whether it reports anything or not.
    """

    def __init__(
        self,
        console: Console,
        total: int,
        needs: Mapping[Cell, Forecast] | None = None,
        jobs: int = 1,
        clock: Callable[[], float] = time.monotonic,
        cells: Iterable[Cell] = (),
    ) -> None:
        self._console, self._clock, self._began = console, clock, clock()
        self._grid = GridProgress(total, needs or {}, jobs, cells)
        self._last_lines: dict[Cell, float] = {}
        self._lock = threading.Lock()  # the cells report in one thread, bars and clock are others
        self._shown = ExitStack()

    def __enter__(self) -> ProgressWatcher:
        """Start drawing, or the clock of the lines."""
        if self._console.is_interactive:
            self._shown.enter_context(
                Live(
                    get_renderable=self._draw,
                    console=self._console,
                    refresh_per_second=FRAMES_PER_SECOND,
                )
            )
        else:
            self._shown.enter_context(ticking(self.tick))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop drawing and leave the terminal as it was."""
        self._shown.close()

    @hookimpl
    def benchbench_cell_started(self, cell: Cell, position: int, total: int) -> None:
        """Note that the cell runs."""
        with self._lock:
            now = self._clock()
            self._grid.start(cell, now)
            self._last_lines[cell] = now

    @hookimpl
    def benchbench_cell_progress(self, cell: Cell, event: Event) -> None:
        """Note what the cell does."""
        with self._lock:
            self._grid.step(cell, event, self._clock())

    @hookimpl
    def benchbench_cell_finished(self, record: Record) -> None:
        """Print how the cell ended, and in a log what is left of the grid."""
        with self._lock:
            self._grid.finish(record)
            self._last_lines.pop(record.cell, None)
            title = self._grid.title(record.cell)
            line = summary(record, self._grid.done, self._grid.total, title)
            left = self._grid.left(self._clock())
            if left.known and not self._console.is_interactive:
                line.append(f"; all cells: {rest_of_grid(left)}")
        for warning in record.warnings:
            line.append(f"\n  Warning: {plain(warning)}", style="yellow")
        self._console.print(line, soft_wrap=True)

    def tick(self) -> None:
        """Print a line for every running cell that has had none for 30 seconds."""
        with self._lock:
            now = self._clock()
            due = [cell for cell, at in self._last_lines.items() if now - at >= EVERY_SECONDS]
            self._last_lines.update(dict.fromkeys(due, now))
            lines = [self._line(cell, now) for cell in due]
        for line in lines:
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _line(self, cell: Cell, now: float) -> str:
        doing = describe(self._grid.running[cell], self._grid.need(cell), now, EVERY_SECONDS)
        counted = f"[{self._grid.done}/{self._grid.total}]"
        rest = rest_of_grid(self._grid.left(now))
        return f"{counted} {plain(self._grid.title(cell))}: {doing}; all cells: {rest}"

    def _draw(self) -> RenderableType:
        with self._lock:
            return bars(self._grid, self._began, self._clock())


def summary(record: Record, done: int, total: int, title: str = "") -> Text:
    """Return the line that a finished cell leaves behind."""
    text = Text(f"[{done}/{total}] {plain(title or record.cell.title)}: ")
    text.append(record.status, style=STYLES.get(record.status, "bold red"))
    if record.reason:
        text.append(f": {plain(record.reason)}")
    seconds = record.cost.get("wall_seconds")
    if record.status == "ok" and seconds is not None:
        text.append(f" in {seconds:.1f} s", style="dim")
    return text

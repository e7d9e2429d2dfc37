"""The progress of a run: a watcher plugin that draws bars on a terminal, else prints lines."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from benchbench.contract import Cell, Event, Record, hookimpl
from benchbench.render import plain

STYLES = {"ok": "green", "skipped": "yellow"}


class ProgressWatcher:
    """Shows a bar for all cells and one per running cell, and prints a line per finished cell."""

    def __init__(self, console: Console, total: int) -> None:
        self._console, self._total, self._done = console, total, 0
        self._bars: dict[Cell, TaskID] = {}
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[detail]}", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._grid = self._progress.add_task("all cells", total=total, detail=f"0 of {total}")

    def __enter__(self) -> ProgressWatcher:
        """Start drawing."""
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop drawing and leave the terminal as it was."""
        self._progress.stop()

    @hookimpl
    def benchbench_cell_started(self, cell: Cell, position: int, total: int) -> None:
        """Add a bar for the cell."""
        self._bars[cell] = self._progress.add_task(
            f"  {plain(cell.title)}", total=None, detail="start"
        )

    @hookimpl
    def benchbench_cell_progress(self, cell: Cell, event: Event) -> None:
        """Move the cell's bar on."""
        if cell in self._bars:
            self._progress.update(
                self._bars[cell], total=event.total, completed=event.step, detail=detail(event)
            )

    @hookimpl
    def benchbench_cell_finished(self, record: Record) -> None:
        """Take the cell's bar away and print how the cell ended."""
        self._done += 1
        bar = self._bars.pop(record.cell, None)
        if bar is not None:
            self._progress.remove_task(bar)
        self._progress.update(
            self._grid, completed=self._done, detail=f"{self._done} of {self._total}"
        )
        self._progress.console.print(summary(record, self._done, self._total))


def detail(event: Event) -> str:
    """Return what a running cell does: its stage, loss and documents per second."""
    parts = [event.stage]
    if "loss" in event.values:
        parts.append(f"loss {event.values['loss']:.3f}")
    if "documents_per_second" in event.values:
        parts.append(f"{event.values['documents_per_second']:.0f} documents/s")
    return " · ".join(parts)


def summary(record: Record, done: int, total: int) -> Text:
    """Return the line that a finished cell leaves behind."""
    text = Text(f"[{done}/{total}] {plain(record.cell.title)}: ")
    text.append(record.status, style=STYLES.get(record.status, "bold red"))
    if record.reason:
        text.append(f": {plain(record.reason)}")
    seconds = record.cost.get("wall_seconds")
    if record.status == "ok" and seconds is not None:
        text.append(f" in {seconds:.1f} s", style="dim")
    return text

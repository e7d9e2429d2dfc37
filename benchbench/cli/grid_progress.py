"""The state of a grid that runs: which cells are done, what the others do, and what is left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from benchbench.contract import Cell, Event, Record, titles_of
from benchbench.planning import (
    Forecast,
    RunningCell,
    TimeLeft,
    cell_left,
    expected_seconds,
    stage_left,
    time_left,
    with_event,
)

UNKNOWN = Forecast("unknown")


class GridProgress:
    """Counts finished cells, keeps the pace of running ones, and corrects the forecasts.

    `needs` are the forecasts of the cells that run. `total` also counts those that are skipped.
    `cells` are all cells of the run, for titles that tell tries of a search apart. Times are
    seconds of one clock.
    """

    def __init__(
        self,
        total: int,
        needs: Mapping[Cell, Forecast],
        jobs: int = 1,
        cells: Iterable[Cell] = (),
    ) -> None:
        self._titles = titles_of(cells)
        self.total, self.done = total, 0
        self.running: dict[Cell, RunningCell] = {}
        self._needs, self._jobs = needs, jobs
        self._waiting = dict.fromkeys(needs)
        self._finished: list[Record] = []
        self._expected = expected_seconds(needs, ())

    def start(self, cell: Cell, now: float) -> None:
        """Note that a cell runs."""
        self._waiting.pop(cell, None)
        self.running[cell] = RunningCell(now, now)

    def step(self, cell: Cell, event: Event, now: float) -> None:
        """Note an event of a running cell."""
        if cell in self.running:
            self.running[cell] = with_event(self.running[cell], event, now)

    def finish(self, record: Record) -> None:
        """Note how a cell ended, and correct what is expected of the others."""
        self.done += 1
        self._waiting.pop(record.cell, None)
        self.running.pop(record.cell, None)
        self._finished.append(record)
        self._expected = expected_seconds(self._needs, self._finished)

    def title(self, cell: Cell) -> str:
        """Return the title of a cell, which no other cell of the run has."""
        return self._titles.get(cell, cell.title)

    def need(self, cell: Cell) -> Forecast:
        """Return the forecast of a cell."""
        return self._needs.get(cell, UNKNOWN)

    def left(self, now: float) -> TimeLeft:
        """Return what is left of the grid."""
        waiting = [self._expected.get(cell) for cell in self._waiting]
        running = [self._left_of_running(cell, now) for cell in self.running]
        return time_left([*waiting, *running], max(self._jobs, len(running)))

    def _left_of_running(self, cell: Cell, now: float) -> float | None:
        """Return what is left of a cell: by its pace, else by its forecast, else by its stage."""
        running, expected = self.running[cell], self._expected.get(cell)
        whole = cell_left(running, self.need(cell), now)
        if whole is not None:
            return whole
        if expected is not None:
            return max(0.0, expected - (now - running.started))
        return stage_left(running, now)

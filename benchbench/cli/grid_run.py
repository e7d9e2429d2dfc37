"""The cells of `benchbench run`: how long they take is said before, and shown while they run."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console

from benchbench.cli.durations import whole_grid
from benchbench.cli.progress import ProgressWatcher
from benchbench.planning import (
    Forecast,
    PlannedCell,
    cheapest_first,
    expected_seconds,
    forecasts_of_run,
    time_left,
)
from benchbench.running import Suite
from benchbench.running import run as run_suite


def printer(console: Console) -> Callable[[str], None]:
    """Return a function that prints a line as it is, however long."""
    return lambda line: console.print(line, markup=False, highlight=False, soft_wrap=True)


def run_cells(suite: Suite, cells: list[PlannedCell], console: Console) -> None:
    """Run what has no result yet, the cheapest cells first; say before how long that takes."""
    pending = [cell for cell in cells if cell.state != "done"]
    if not pending:
        return
    needs = _forecasts(suite, pending, console)
    of_cells = {cell.cell: needs[cell.id] for cell in pending if cell.state != "unresolved"}
    jobs, manager = suite.settings.parallel, suite.context.catalog.manager
    if of_cells:
        whole = time_left(expected_seconds(of_cells, ()).values(), jobs)
        printer(console)(whole_grid(whole, jobs))
    titled = [cell.cell for cell in pending]
    with ProgressWatcher(console, len(pending), of_cells, jobs, cells=titled) as watcher:
        manager.register(watcher, name="progress")
        run_suite(suite, cheapest_first(cells, needs))


def _forecasts(suite: Suite, pending: list[PlannedCell], console: Console) -> dict[str, Forecast]:
    """Return what the cells will need, by id."""
    settings = suite.settings
    return forecasts_of_run(
        pending,
        suite.corpora,
        suite.context,
        settings.threads,
        measure=settings.cache is not None,
        warn=lambda line: console.print(line, style="yellow", markup=False, soft_wrap=True),
    )

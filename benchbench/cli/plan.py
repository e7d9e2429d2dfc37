"""`benchbench plan`: say what a run would do, before anything is spent."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchbench.cli.selection import planned, prepare_all, select, selection_options
from benchbench.plan import PlannedCell
from benchbench.render.terminal import plain
from benchbench.store import Store

STYLES = {"done": "green", "missing": "", "stale": "yellow", "again": "yellow", "unresolved": "red"}


@click.command()
@selection_options
def plan(**options: Any) -> int:
    """Show the cells of a grid: which are done, missing, stale, to be tried again, unresolved."""
    console = Console()
    selection = select(options)
    corpora = prepare_all(selection, options["strict"], Console(stderr=True).print)
    _, cells = planned(selection, corpora, Store(options["store"]), options)
    console.print(_table(cells))
    for reason in selection.expansion.dropped:
        console.print(Text(f"Not part of the grid: {reason}", style="yellow"))
    to_run = sum(1 for cell in cells if cell.state in ("missing", "stale", "again"))
    device = selection.device
    console.print(Text(f"{to_run} of {len(cells)} cells to run on {device.name}, {device.dtype}."))
    return 0


def _table(cells: list[PlannedCell]) -> Table:
    table = Table()
    for column in ("dataset", "method", "backbone", "seed", "state", ""):
        table.add_column(column, overflow="fold")
    for planned_cell in cells:
        cell = planned_cell.cell
        remark = planned_cell.reason
        if planned_cell.record and planned_cell.record.status != "ok":
            remark = f"{planned_cell.record.status}: {planned_cell.record.reason}"
        table.add_row(
            Text(plain(cell.dataset.name)),
            Text(plain(cell.method.name)),
            Text(plain(cell.backbone.name) if cell.backbone else "–"),
            str(cell.seed),
            Text(planned_cell.state, style=STYLES[planned_cell.state]),
            Text(plain(remark)),
        )
    return table

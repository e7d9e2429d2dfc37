"""`benchbench plan`: say what a run would do, before anything is spent."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchbench.cli.selection import (
    jobs_option,
    planned,
    prepare_all,
    select,
    selection_options,
    share,
    threads_option,
)
from benchbench.contract import Cell, Params
from benchbench.machine import Device
from benchbench.planning import Forecast, PlannedCell, forecasts
from benchbench.records import Store
from benchbench.render.terminal import plain

STYLES = {"done": "green", "missing": "", "stale": "yellow", "again": "yellow", "unresolved": "red"}
WIDE = 120
GIB = 1024


@click.command()
@selection_options
@jobs_option
@threads_option
def plan(**options: Any) -> int:
    """Show the cells of a grid with what they need, and which of them are there already."""
    console = _console()
    selection = select(options)
    jobs, threads = share(options, selection)
    corpora = prepare_all(selection, options["strict"], Console(stderr=True).print)
    context, cells = planned(selection, corpora, Store(options["store"]), options)
    needs = forecasts(cells, corpora, context, threads)
    for name in dict.fromkeys(cell.cell.dataset.name for cell in cells):
        console.print(Text(plain(name), style="bold"))
        of_dataset = [cell for cell in cells if cell.cell.dataset.name == name]
        console.print(_table(of_dataset, needs, selection.expansion.tried))
    for line in _remarks(cells):
        console.print(Text(plain(line), style="yellow"), soft_wrap=True)
    for reason in selection.expansion.dropped:
        console.print(Text(f"Not part of the grid: {reason}", style="yellow"), soft_wrap=True)
    for line in _summary(cells, needs, selection.device, jobs):
        console.print(Text(line), soft_wrap=True)
    return 0


def _console() -> Console:
    """Return a console that is wide where nobody's window is: a pipe, a file."""
    console = Console()
    return console if console.is_terminal or "COLUMNS" in os.environ else Console(width=WIDE)


def _table(
    cells: list[PlannedCell], needs: dict[str, Forecast], tried: Mapping[Cell, Params]
) -> Table:
    """Return a row for each system and state; its seeds share it, and its forecast is for one."""
    table = Table(box=box.SIMPLE_HEAD)
    for column in ("method", "backbone", "seeds", "state"):
        table.add_column(column, overflow="fold")
    for column in ("memory", "time a seed"):
        table.add_column(column, justify="right", no_wrap=True)
    for group in _groups(cells):
        first = group[0]
        need = needs[first.id]
        table.add_row(
            Text(plain(first.cell.method.name + _tried(tried.get(first.cell, {})))),
            Text(plain(first.cell.backbone.name) if first.cell.backbone else "–"),
            ", ".join(str(each.cell.seed) for each in group),
            Text(first.state, style=STYLES[first.state]),
            Text(_memory(need), style="" if need.fits else "red"),
            _time(need.seconds, need.basis),
        )
    return table


def _tried(params: Params) -> str:
    """Return what a search tries here, as it stands behind the method's name."""
    return "".join(f", {name}={value}" for name, value in params.items())


def _remarks(cells: list[PlannedCell]) -> list[str]:
    """Return every reason once, behind the systems that it holds for."""
    holders: dict[str, dict[str, None]] = {}
    for cell in cells:
        if remark := _remark(cell):
            backbone = cell.cell.backbone
            name = backbone.name if cell.reason and backbone else cell.cell.title
            holders.setdefault(remark, {})[name] = None
    return [f"{', '.join(names)}: {remark}" for remark, names in holders.items()]


def _groups(cells: list[PlannedCell]) -> list[list[PlannedCell]]:
    """Return cells that differ in their seed alone, and stand alike, together."""
    groups: dict[object, list[PlannedCell]] = {}
    for cell in cells:
        key = (replace(cell.cell, seed=0), cell.state, _remark(cell))
        groups.setdefault(key, []).append(cell)
    return list(groups.values())


def _remark(planned_cell: PlannedCell) -> str:
    record = planned_cell.record
    if record and record.status != "ok":
        return f"{record.status}: {record.reason}"
    return planned_cell.reason


def _summary(
    cells: list[PlannedCell], needs: dict[str, Forecast], device: Device, jobs: int
) -> list[str]:
    """Return what the whole takes, what it rests on, and what will not fit."""
    pending = [cell for cell in cells if cell.state != "done"]
    absent = sum(1 for cell in pending if cell.state == "unresolved")
    besides = f", {absent} of them unresolved" if absent else ""
    lines = [
        f"{len(pending)} of {len(cells)} cells to run{besides}, on {device.name}, {device.dtype}."
    ]
    known = [needs[cell.id] for cell in pending if needs[cell.id].seconds is not None]
    if not pending:
        return lines
    seconds = [need.seconds or 0.0 for need in known]
    jobs = min(jobs, len(pending))
    total = max(sum(seconds) / jobs, *seconds, 0.0)  # no cell runs on two of them
    at_once = f", {jobs} cells at once" if jobs > 1 else ""
    unknown = len(pending) - len(known)
    apart = f"; {unknown} of unknown length apart" if unknown else ""
    if known:
        once = ", once their weights are here" if absent else ""
        lines.append(f"About {_duration(total)} in all{once}{at_once}{apart}.")
    large = sum(1 for cell in pending if not needs[cell.id].fits)
    if large:
        lines.append(
            f"{large} will not fit {(device.memory_mib or 0) / GIB:.1f} GiB: a smaller batch_size, "
            "gradient_checkpointing=true or a smaller backbone."
        )
    if any(need.basis == "estimated" for need in known):
        lines.append(
            "~ is estimated from the model's shape, the documents' length, the batch and how fast "
            "this machine multiplies; what has no ~ was measured here, on another seed or before."
        )
    return lines


def _memory(need: Forecast) -> str:
    if need.memory_mib is None:
        return "–"
    about = "~" if need.basis == "estimated" else ""
    if need.memory_mib < GIB:
        return f"{about}{need.memory_mib:.0f} MiB"
    return f"{about}{need.memory_mib / GIB:.1f} GiB"


def _time(seconds: float | None, basis: str) -> str:
    if seconds is None:
        return "–"
    return ("~" if basis == "estimated" else "") + _duration(seconds)


def _duration(seconds: float) -> str:
    """Return seconds as people say them."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:,.1f} h"

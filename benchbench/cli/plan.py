"""`benchbench plan`: show what a run would do, before anything is spent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click
from rich import box
from rich.table import Table
from rich.text import Text

from benchbench.cli.durations import count_cells
from benchbench.cli.options import (
    execution_option,
    jobs_option,
    selection_options,
    threads_option,
    timeout_option,
)
from benchbench.cli.selection import Selection, planned, prepare_all, select, share
from benchbench.cli.subcommand import Subcommand
from benchbench.cli.text_tables import name_widths, wide_console
from benchbench.contract import BenchbenchError, Cell, Params
from benchbench.leaderboard import duration
from benchbench.machine import Device
from benchbench.planning import (
    ASSUMED_SHARE,
    GPU_LAYER_SECONDS,
    Forecast,
    GpuCard,
    PlannedCell,
    card_of,
    forecasts,
    together,
)
from benchbench.records import Store
from benchbench.render import plain, terminal_console

STYLES = {"done": "green", "missing": "", "stale": "yellow", "again": "yellow", "unresolved": "red"}
STATES = {
    "done": "The store has its result.",
    "missing": "It has never run.",
    "stale": "It ran, but data, weights, code or versions that decide numbers have changed.",
    "again": "Its last attempt has no result, or met a limit that is larger now; it runs again.",
    "unresolved": "Its weights are not here; the lines below the table say what is missing.",
}
GIB = 1024
ELSEWHERE = (
    "To plan for a card that is not here, name it, as in --as 'H100 80GB', or describe it, as in "
    "--as gpu:memory=24,tflops=120."
)
OTHERS = 45
"""The characters that the columns beside method and backbone take, with all gaps."""


@click.command(
    cls=Subcommand,
    terms={"States of a cell": STATES.items},
    rules=(
        "The options that choose cells are those of 'benchbench run'; its help has their rules.",
        "Datasets are read and kept in the cache. Nothing is trained, and no model is downloaded.",
        "Memory and time are per seed. ~ marks an estimate from the model's shape, the documents' "
        "length, the batch and the speed of this machine. Values without ~ were measured here, "
        "on another seed or before.",
        "With --as, the plan is for a card that need not be here. Nothing is measured: the rate is "
        f"that of its data sheet, of which a model is assumed to reach {ASSUMED_SHARE:.0%} at "
        "most; a small one takes as long as its operations take to start.",
    ),
    examples=(
        "benchbench plan --csv claims.csv --text abstract --label class \\\n"
        "    --backbone ./my-llama",
        "benchbench plan --grid default --only method=instruction --seeds 0",
        "benchbench plan --grid default --as 'H100 80GB'",
    ),
)
@selection_options
@jobs_option
@threads_option
@timeout_option
@execution_option(
    "--as",
    "card",
    metavar="CARD",
    help="Plan for a GPU that need not be here: its name, or "
    "gpu:memory=GIB,tflops=N[,bandwidth=GB_PER_SECOND].",
)
def plan(**options: Any) -> int:
    """Show the cells of a run, their state, and how much memory and time they need."""
    console = wide_console()
    card = card_of(options["card"]) if options["card"] is not None else None
    selection = _selected(options, card)
    jobs, threads = share(options, selection)
    selection, corpora = prepare_all(
        selection, options["strict"], terminal_console(stderr=True).print
    )
    context, cells = planned(selection, corpora, Store(options["store"]), options)
    needs = forecasts(cells, corpora, replace(context, card=card), threads)
    for name in dict.fromkeys(cell.cell.dataset.name for cell in cells):
        console.print(Text(plain(name), style="bold"))
        of_dataset = [cell for cell in cells if cell.cell.dataset.name == name]
        console.print(_table(of_dataset, needs, selection.expansion.tried, console.width))
        console.print()
    for line in _remarks(cells):
        console.print(Text(plain(line), style="yellow"), soft_wrap=True)
    for line in selection.grid.replaced:
        console.print(Text(plain(line)), soft_wrap=True)
    for reason in selection.expansion.dropped:
        console.print(Text(f"Not part of the grid: {reason}", style="yellow"), soft_wrap=True)
    for line in _summary(cells, needs, selection.device, jobs, card):
        console.print(Text(line), soft_wrap=True)
    return 0


def _selected(options: dict[str, Any], card: GpuCard | None) -> Selection:
    """Return what the options choose, on the card where there is one."""
    if card is not None:
        if options["device"] == "cpu":
            raise BenchbenchError("--as names a GPU, so it does not go with --device cpu.")
        selection = select({**options, "device": "cpu"})  # no GPU is looked for here
        return replace(selection, device=card.device)
    try:
        return select(options)
    except BenchbenchError as error:
        if options["device"] == "cuda" and "--device cuda" in str(error):
            raise BenchbenchError(f"{error} {ELSEWHERE}") from error
        raise


def _table(
    cells: list[PlannedCell], needs: dict[str, Forecast], tried: Mapping[Cell, Params], width: int
) -> Table:
    """Return one row per system and state. Its seeds share it; memory and time are per seed."""
    groups = _groups(cells)
    names = [
        (plain(cell.method.name + _tried(tried.get(cell, {}))), _backbone(cell))
        for cell in (group[0].cell for group in groups)
    ]
    columns = list(zip(("method", "backbone"), *names, strict=True))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    for column, column_width in zip(columns, name_widths(columns, width - OTHERS), strict=True):
        table.add_column(column[0], overflow="fold", width=column_width)
    table.add_column("seeds", overflow="fold")
    table.add_column("state", no_wrap=True)
    table.add_column("memory", justify="right", no_wrap=True)
    table.add_column("time\nper seed", justify="right", no_wrap=True)
    for (method, backbone), group in zip(names, groups, strict=True):
        planned_cell = group[0]
        need = needs[planned_cell.id]
        table.add_row(
            Text(method),
            Text(backbone),
            ", ".join(str(seed_cell.cell.seed) for seed_cell in group),
            Text(planned_cell.state, style=STYLES[planned_cell.state]),
            Text(_memory(need), style="" if need.fits else "red"),
            _time(need.seconds, need.basis),
        )
    return table


def _backbone(cell: Cell) -> str:
    return plain(cell.backbone.name) if cell.backbone else "–"


def _tried(params: Params) -> str:
    """Return the values that a search tries here, to stand behind the method's name."""
    return "".join(f", {name} = {value}" for name, value in params.items())


def _remarks(cells: list[PlannedCell]) -> list[str]:
    """Return every reason once, with the systems that it holds for before it."""
    holders: dict[str, dict[str, None]] = {}
    for cell in cells:
        if remark := _remark(cell):
            backbone = cell.cell.backbone
            name = backbone.name if cell.reason and backbone else cell.cell.title
            holders.setdefault(remark, {})[name] = None
    return [f"{', '.join(names)}: {remark}" for remark, names in holders.items()]


def _groups(cells: list[PlannedCell]) -> list[list[PlannedCell]]:
    """Put cells together that differ in their seed alone and have the same state and remark."""
    groups: dict[object, list[PlannedCell]] = {}
    for cell in cells:
        key = (replace(cell.cell, seed=0), cell.state, _remark(cell))
        groups.setdefault(key, []).append(cell)
    return list(groups.values())


def _remark(planned_cell: PlannedCell) -> str:
    """Return why a cell has no result, "" where it has one or never ran."""
    record = planned_cell.record
    if record and record.status != "ok":
        return f"{record.status}: {record.reason}"
    return planned_cell.reason


def _summary(
    cells: list[PlannedCell],
    needs: dict[str, Forecast],
    device: Device,
    jobs: int,
    card: GpuCard | None,
) -> list[str]:
    """Return what all cells take together, what that rests on, and what does not fit."""
    pending = [cell for cell in cells if cell.state != "done"]
    unresolved = sum(1 for cell in pending if cell.state == "unresolved")
    including = f", {unresolved} of them unresolved" if unresolved else ""
    where = f"planned for {device.name} (not this machine)" if card else f"on {device.name}"
    lines = [f"{len(pending)} of {len(cells)} cells to run{including}, {where}, {device.dtype}."]
    known = [needs[cell.id] for cell in pending if needs[cell.id].seconds is not None]
    if known:
        lines.append(_total_time(known, len(pending), min(jobs, len(pending)), unresolved > 0))
    lines += _too_large(pending, needs, device)
    if card and known and not lines[-1].startswith("Does not fit"):
        lines.append(f"All of them fit into {(device.memory_mib or 0) / GIB:.1f} GiB.")
    if any(need.basis == "estimated" for need in known):
        lines.append(_basis(card))
    return lines


def _basis(card: GpuCard | None) -> str:
    """Return what estimates rest on."""
    if card is None:
        return (
            "~ is estimated from the model's shape, the documents' length, the batch and the speed "
            "of this machine. Values without ~ were measured on it, earlier or with another seed."
        )
    return (
        "~ is estimated from the model's shape, the documents' length, the batch and the card's "
        f"data sheet: {card.tflops:g} TFLOP/s, of which a model is assumed to reach "
        f"{ASSUMED_SHARE:.0%} at most, and at least {1000 * GPU_LAYER_SECONDS:g} ms per layer and "
        "pass, as measured beside an H100."
    )


def _too_large(cells: list[PlannedCell], needs: dict[str, Forecast], device: Device) -> list[str]:
    """Return a line per system that does not fit into the device, with what would make it fit."""
    room = f"{(device.memory_mib or 0) / GIB:.1f} GiB"
    systems: dict[str, str] = {}
    for cell in cells:
        need = needs[cell.id]
        if not need.fits:
            name = plain(cell.cell.title.rpartition(" · seed")[0])
            found = (
                f"{need.remedy} would make it fit"
                if need.remedy
                else (
                    "take a smaller backbone, a smaller batch_size or gradient_checkpointing=true"
                )
            )
            systems[name] = f"Does not fit into {room}: {name}; {found}."
    return list(systems.values())


def _total_time(known: list[Forecast], pending: int, jobs: int, unresolved: bool) -> str:
    """Return how long the cells of known length take together, and which ones are left out."""
    seconds = [need.seconds or 0.0 for need in known]
    total = duration(together(seconds, jobs))
    downloads = ", once their weights are here" if unresolved else ""
    at_a_time = f", {jobs} cells at a time" if jobs > 1 else ""
    unknown = pending - len(known)
    without = f", without {count_cells(unknown)} of unknown length" if unknown else ""
    return f"About {total} in all{downloads}{at_a_time}{without}."


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
    return ("~" if basis == "estimated" else "") + duration(seconds)

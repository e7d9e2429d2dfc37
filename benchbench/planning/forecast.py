"""What the cells of a plan will need: as seen of the same cell elsewhere, else as estimated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from benchbench.contract import Amount, Cell, Record, Reference
from benchbench.machine import Device
from benchbench.planning.estimate import Estimate, Machine, estimate, fits
from benchbench.planning.matrix_speed import matrix_rates, rate_for
from benchbench.planning.plan import PlanContext, PlannedCell
from benchbench.planning.preparation import PreparedCorpus
from benchbench.records import records_of

LIBRARIES_MIB = 600
"""What Python, torch and transformers take of a process before a cell begins, seen on a CPU."""
Basis = Literal["measured", "estimated", "unknown"]


@dataclass(frozen=True, slots=True)
class Forecast:
    """Peak memory in MiB and wall time in seconds, None where unknown, and what they rest on.

    `fits` says whether the device's memory holds it, as far as both are known.
    """

    basis: Basis
    memory_mib: float | None = None
    seconds: float | None = None
    fits: bool = True


def forecasts(
    cells: Iterable[PlannedCell],
    corpora: Mapping[Reference, PreparedCorpus],
    context: PlanContext,
    threads: int,
) -> dict[str, Forecast]:
    """Return cell id -> forecast. A cell that ran with another seed is measured, not estimated."""
    cells = list(cells)
    seen = _seen(cells, context)

    @cache
    def rates() -> dict[int, float]:
        return matrix_rates(context.device, threads)

    found = {}
    for cell in cells:
        known = seen.get(_kin(cell))
        if known is not None:
            found[cell.id] = _measured(known, context.device)
            continue
        needed = _estimated(cell, amount_of(corpora[cell.cell.dataset]), context, rates)
        found[cell.id] = _forecast(needed, context.device)
    return found


def main_memory(cell: PlannedCell, corpus: PreparedCorpus, context: PlanContext) -> int | None:
    """Return how many MiB of main memory a cell's process will take, None where unknown.

    What it needs on a GPU says nothing of that.
    """
    if context.device.kind != "cpu":
        return None
    known = _seen([cell], context).get(_kin(cell))
    needed = (
        _measured(known, context.device)
        if known is not None
        else _forecast(_estimated(cell, amount_of(corpus), context, _no_rates), context.device)
    )
    return None if needed.memory_mib is None else round(needed.memory_mib) + LIBRARIES_MIB


def _no_rates() -> Mapping[int, float]:
    """Stand in for rates that only time depends on: they take seconds to measure."""
    return {1: 1.0}


def amount_of(corpus: PreparedCorpus) -> Amount:
    """Return how much data a corpus holds."""
    description = corpus.description
    mean = description.characters / max(1, sum(description.documents.values()))
    return Amount(description.kind, description.documents, mean, len(description.labels))


def _estimated(
    planned: PlannedCell,
    amount: Amount,
    context: PlanContext,
    rates: Callable[[], Mapping[int, float]],
) -> Estimate | None:
    """Return the estimate of a cell whose method and backbone both say what it takes."""
    cell, catalog, device = planned.cell, context.catalog, context.device
    if cell.backbone is None:
        return None
    workload = getattr(catalog.method(cell.method.use), "workload", None)
    shape = getattr(catalog.backbone(cell.backbone.use), "shape", lambda: None)()
    if workload is None or shape is None:
        return None
    params = catalog.resolved("backbone", cell.backbone)
    dtype = device.compute_dtype(str(params.get("dtype", "auto")))
    machine = Machine(device.kind, dtype, rate_for(shape.width, rates()))
    work = workload(catalog.resolved("method", cell.method), amount)
    return estimate(shape, work, amount, str(params.get("quantization", "none")), machine)


def _forecast(needed: Estimate | None, device: Device) -> Forecast:
    if needed is None:
        return Forecast("unknown")
    holds = fits(needed, device.memory_mib)
    return Forecast("estimated", needed.memory_mib, needed.seconds, holds)


def _measured(record: Record, device: Device) -> Forecast:
    """Return what a cell like it took: the memory of the device that a run would use."""
    gpu = record.cost.get("peak_gpu_mib")
    memory = gpu if device.kind == "cuda" else record.cost.get("peak_ram_mib")
    seconds = record.cost.get("wall_seconds")
    return Forecast("measured", memory, seconds, record.status != "oom")


def _seen(cells: Iterable[PlannedCell], context: PlanContext) -> dict[Cell, Record]:
    """Return what this kind of device made of each cell, or of one with another seed."""
    seen: dict[Cell, Record] = {}
    for cell in cells:
        for record in records_of(context.store, cell.id):
            here = record.identity.get("device") == context.device.kind
            if here and record.status in ("ok", "oom"):
                seen[_kin(cell)] = record
    return seen


def _kin(planned: PlannedCell) -> Cell:
    """Return a cell without its seed."""
    return replace(planned.cell, seed=0)

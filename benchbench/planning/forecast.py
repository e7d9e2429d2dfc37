"""What the cells of a plan will need: measured if a cell like it ran before, else estimated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from benchbench.contract import Amount, Cell, HasShape, HasWorkload, Record, Reference
from benchbench.machine import Device
from benchbench.planning.estimate import estimate, fits
from benchbench.planning.gpu_cards import ASSUMED_SHARE
from benchbench.planning.label_sizes import label_sizes
from benchbench.planning.matrix_speed import matrix_rates, rate_for
from benchbench.planning.memory_need import Machine
from benchbench.planning.plan import PlanContext, PlannedCell
from benchbench.planning.preparation import PreparedCorpus
from benchbench.planning.remedies import remedy
from benchbench.records import records_of

LIBRARIES_MIB = 600
"""Memory of a process with Python, torch and transformers before its cell begins, on a CPU."""
Basis = Literal["measured", "estimated", "unknown"]


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a cell will need: peak memory in MiB and wall time in seconds, None if unknown.

    `basis` says where the numbers are from. `fits` is false if the memory is known to be more
    than the device has, and `remedy` has settings under which it is not, "" where none are known.
    `training_share` is the share of the time before the last predictions, and `predictions` counts
    the documents of validation and test, which are predicted then.
    """

    basis: Basis
    memory_mib: float | None = None
    seconds: float | None = None
    fits: bool = True
    training_share: float | None = None
    predictions: int | None = None
    remedy: str = ""


Rates = Callable[[str], Mapping[int, float]]
"""Returns width -> floating-point operations per second in a dtype, when that is first needed."""


def forecasts(
    cells: Iterable[PlannedCell],
    corpora: Mapping[Reference, PreparedCorpus],
    context: PlanContext,
    threads: int,
    rates: Rates | None = None,
) -> dict[str, Forecast]:
    """Return cell id -> what the cell will need.

    A cell that ran here before, with this or another seed, is measured and not estimated. `rates`
    says how fast matrices are multiplied; by default that is measured. For a card that is not
    here, nothing is measured, and what ran here does not count.
    """
    cells = list(cells)
    records = _earlier_records(cells, context)
    plain = _plainly_scored(records.values())
    known_rates = cache(rates or _measured_rates(context, threads))

    @cache
    def need_of(system: Cell) -> Forecast:
        amount = amount_of(corpora[system.dataset])
        record = records.get(system)
        need = (
            _measured(record, context.device)
            if record is not None
            else _estimated(system, amount, context, known_rates, plain)
        )
        predictions = amount.documents["validation"] + amount.documents["test"]
        return replace(need, predictions=predictions)

    return {cell.id: need_of(_without_seed(cell)) for cell in cells}


def main_memory(cell: PlannedCell, corpus: PreparedCorpus, context: PlanContext) -> int | None:
    """Return how many MiB of main memory the process of a cell will take, None if unknown.

    It is unknown on a GPU: what a cell needs there is not main memory.
    """
    memory = _memory(cell, corpus, context) if context.device.kind == "cpu" else None
    return None if memory is None else memory + LIBRARIES_MIB


def gpu_memory(cell: PlannedCell, corpus: PreparedCorpus, context: PlanContext) -> int | None:
    """Return how many MiB of a GPU a cell will take, None if unknown or where there is no GPU."""
    return _memory(cell, corpus, context) if context.device.kind == "cuda" else None


def _memory(cell: PlannedCell, corpus: PreparedCorpus, context: PlanContext) -> int | None:
    """Return how many MiB of the device a cell will take, None if unknown."""
    record = _earlier_records([cell], context).get(_without_seed(cell))
    need = (
        _measured(record, context.device)
        if record is not None
        else _estimated(cell.cell, amount_of(corpus), context, _no_rates)
    )
    return None if need.memory_mib is None else round(need.memory_mib)


def _no_rates(dtype: str) -> Mapping[int, float]:
    """Return rates without measuring them, which takes seconds; memory does not need them."""
    return {1: 1.0}


def _measured_rates(context: PlanContext, threads: int) -> Rates:
    """Return rates of this device; or that of the card, which is the same for every width."""
    if (card := context.card) is not None:
        return lambda dtype: {1: card.tflops * 1e12}
    return lambda dtype: matrix_rates(replace(context.device, dtype=dtype), threads)


def amount_of(corpus: PreparedCorpus) -> Amount:
    """Return how much data a corpus holds."""
    description = corpus.description
    mean = description.characters / max(1, sum(description.documents.values()))
    return Amount(
        description.kind,
        description.documents,
        mean,
        len(description.labels),
        description.longest,
        *label_sizes(description.labels.texts),
    )


def _estimated(
    cell: Cell,
    amount: Amount,
    context: PlanContext,
    rates: Rates,
    plain: Set[Reference] = frozenset(),
) -> Forecast:
    """Return the estimate of a cell; unknown unless its method and its backbone allow one.

    `plain` are the backbones that are known to take no token tree.
    """
    catalog, device = context.catalog, context.device
    if cell.backbone is None:
        return Forecast("unknown")
    method, backbone = catalog.method(cell.method.use), catalog.backbone(cell.backbone.use)
    shape = backbone.shape() if isinstance(backbone, HasShape) else None
    if shape is None or not isinstance(method, HasWorkload):
        return Forecast("unknown")
    params = catalog.resolved("backbone", cell.backbone)
    dtype = device.compute_dtype(str(params.get("dtype", "auto")))
    machine = _machine(context, dtype, rate_for(shape.width, rates(dtype)))
    work = method.workload(catalog.resolved("method", cell.method), amount)
    if cell.backbone in plain and work.plain_tokens:
        work = replace(work, prediction_tokens=work.plain_tokens, branch_tokens=0.0)
    quantization = str(params.get("quantization", "none"))
    need = estimate(shape, work, amount, quantization, machine)
    holds = fits(need, device.memory_mib)
    settings = "" if holds else remedy(shape, work, quantization, machine)
    return Forecast(
        "estimated", need.memory_mib, need.seconds, holds, need.training_share, remedy=settings
    )


def _machine(context: PlanContext, dtype: str, flops: float) -> Machine:
    """Return what computes; of no GPU is the share of its rate known that a model reaches."""
    memory = context.device.memory_mib
    if context.device.kind == "cpu":
        return Machine("cpu", dtype, flops, memory)
    bandwidth = context.card.bandwidth if context.card else None
    return Machine(
        context.device.kind,
        dtype,
        flops,
        memory,
        bandwidth * 1e9 if bandwidth else None,
        ASSUMED_SHARE,
    )


def _plainly_scored(records: Iterable[Record]) -> frozenset[Reference]:
    """Return the backbones of which a finished cell found that they take no token tree."""
    return frozenset(
        record.cell.backbone
        for record in records
        if record.cell.backbone is not None and record.facts.get("scoring") == "plain"
    )


def _measured(record: Record, device: Device) -> Forecast:
    """Return what a record of such a cell says: time, and memory of the device of this run."""
    gpu = record.cost.get("peak_gpu_mib")
    memory = gpu if device.kind == "cuda" else record.cost.get("peak_ram_mib")
    seconds = record.cost.get("wall_seconds")
    return Forecast("measured", memory, seconds, record.status != "oom", _training_share(record))


def _training_share(record: Record) -> float | None:
    """Return the share of the time that a finished cell trained, None where it was not noted."""
    stages = ("fit_seconds", "predict_validation_seconds", "predict_test_seconds")
    spent = [record.cost.get(stage) for stage in stages]
    known = [seconds for seconds in spent if seconds is not None]
    if len(known) < len(stages) or not sum(known):
        return None
    return known[0] / sum(known)


def _earlier_records(cells: Iterable[PlannedCell], context: PlanContext) -> dict[Cell, Record]:
    """Return cell without seed -> the record of a run on this kind of device, with any seed."""
    records: dict[Cell, Record] = {}
    if context.card is not None:
        return records
    for cell in cells:
        for record in records_of(context.store, cell.id):
            here = record.identity.get("device") == context.device.kind
            if here and record.status in ("ok", "oom"):
                records[_without_seed(cell)] = record
    return records


def _without_seed(planned: PlannedCell) -> Cell:
    """Return the cell with seed 0, which all its seeds share."""
    return replace(planned.cell, seed=0)

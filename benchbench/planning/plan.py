"""What a run would do: every cell with its key and its state, before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from benchbench.catalog import Catalog
from benchbench.contract import (
    Cell,
    CellParameters,
    HasRequirements,
    Identity,
    Params,
    PluginError,
    Record,
    Reference,
    Skip,
    all_as_given,
    all_as_published,
)
from benchbench.machine import (
    Device,
    execution_digest,
    in_one_line,
    module_digest,
    package_versions,
)
from benchbench.planning.gpu_cards import GpuCard
from benchbench.planning.preparation import PreparedCorpus
from benchbench.records import (
    Store,
    cell_id,
    key_of,
    last_attempt,
    record_that_counts,
    records_of,
)

State = Literal["done", "missing", "stale", "again", "unresolved"]
FINAL = ("ok", "diverged")
"""Final outcomes: such a cell runs again only with --force. A failed cell always runs again."""
MORE_MEMORY = 1.05
"""How much more memory is more: systems of one machine report sizes that differ a little."""


@dataclass(frozen=True, slots=True)
class PlannedCell:
    """A cell, what it resolves to, and what the store already has of it.

    `state` is one of

    - done: it has a final outcome;
    - missing: it has no record;
    - stale: it has a record, and something that decides numbers has changed since;
    - again: its last attempt failed, or met a limit that is larger now;
    - unresolved: something that it needs is absent, as `reason` says.
    """

    cell: Cell
    id: str
    key: str | None
    identity: Identity | None
    state: State
    reason: str = ""
    record: Record | None = None
    upstream: tuple[str, ...] = ()
    attempts: int = 0
    """The number of the last attempt with this key; a later one is another process's."""


@dataclass(frozen=True, slots=True)
class PlanContext:
    """What a plan depends on, apart from the cells. `timeout` is in seconds; None is no limit."""

    catalog: Catalog
    store: Store
    device: Device
    offline: bool = False
    force: bool = False
    timeout: float | None = None
    card: GpuCard | None = None
    """The card that the plan is made for where that is not a device of this machine."""
    weights: dict[Reference, str | Skip] = field(default_factory=dict)
    """The identity of each backbone's weights. A backbone is asked once: a hub can be slow."""


def plan_cells(
    cells: Iterable[Cell], corpora: Mapping[Reference, PreparedCorpus], context: PlanContext
) -> list[PlannedCell]:
    """Return every cell with its key and state, after the cells that it requires."""
    context = replace(context, weights={})
    planned: dict[Cell, PlannedCell] = {}
    for cell in cells:
        try:
            _plan(cell, corpora, context, planned)
        except RecursionError as error:
            raise PluginError(
                f"Method '{cell.method.name}' requires itself, directly or through other cells."
            ) from error
    return list(planned.values())


def _plan(
    cell: Cell,
    corpora: Mapping[Reference, PreparedCorpus],
    context: PlanContext,
    planned: dict[Cell, PlannedCell],
) -> PlannedCell:
    if cell in planned:
        return planned[cell]
    method = context.catalog.method(cell.method.use)
    required = method.requires(cell) if isinstance(method, HasRequirements) else ()
    upstream = [_plan(needed, corpora, context, planned) for needed in required]
    if cell.dataset not in corpora:
        raise PluginError(f"A method requires {cell.title}, whose dataset is not in this run.")
    name = cell_id(cell)
    ids = tuple(needed.id for needed in upstream)
    try:
        identity = _identity(cell, corpora[cell.dataset], upstream, context)
    except Skip as error:
        reason = in_one_line(str(error))
        attempts = last_attempt(records_of(context.store, name), None)
        unresolved = PlannedCell(cell, name, None, None, "unresolved", reason, None, ids, attempts)
        planned[cell] = unresolved
        return unresolved
    key = key_of(identity)
    records = records_of(context.store, name)
    state, record = _state(records, key, context)
    attempts = last_attempt(records, key)
    planned[cell] = PlannedCell(cell, name, key, identity, state, "", record, ids, attempts)
    return planned[cell]


def _state(records: list[Record], key: str, context: PlanContext) -> tuple[State, Record | None]:
    record = record_that_counts(records, key)
    if record is not None and not context.force:
        return ("done" if _stands(record, context) else "again"), record
    resolved = [other for other in records if other.key is not None]
    return ("stale" if resolved and record is None else "missing"), record


def _stands(record: Record, context: PlanContext) -> bool:
    """Say whether an outcome is final: a limit that was met is, until a larger one is given.

    Older records do not hold their limit: the time that such a cell ran is close to it.
    """
    if record.status == "timeout":
        met = record.cost.get("limit_seconds", record.cost.get("wall_seconds"))
        return context.timeout is not None and (met is None or context.timeout <= met)
    if record.status == "oom":
        memory, met = context.device.memory_mib, record.cost.get("limit_mib")
        return memory is None or met is None or memory <= met * MORE_MEMORY
    return record.status in FINAL


def _identity(
    cell: Cell, corpus: PreparedCorpus, upstream: Iterable[PlannedCell], context: PlanContext
) -> Identity:
    catalog, device = context.catalog, context.device
    parameters = CellParameters(
        all_as_published(catalog.resolved("dataset", cell.dataset)),
        all_as_published(catalog.resolved("method", cell.method)),
        all_as_published(catalog.resolved("backbone", cell.backbone)) if cell.backbone else None,
    )
    weights, dtype = None, device.dtype
    if cell.backbone is not None and parameters.backbone is not None:
        dtype = device.compute_dtype(str(parameters.backbone.get("dtype", "auto")))
        weights = _weights(cell.backbone, parameters.backbone, context)
    plugins = catalog.plugins_of(cell)
    return Identity(
        cell=cell_id(cell),
        seed=cell.seed,
        parameters=parameters,
        device=device.kind,
        dtype=dtype,
        dataset=corpus.fingerprint,
        weights=weights,
        plugins={plugin.source: module_digest(plugin.module) for plugin in plugins},
        core=execution_digest(),
        packages=package_versions(),
        upstream=tuple(needed.key for needed in upstream if needed.key is not None),
    )


def _weights(reference: Reference, params: Params, context: PlanContext) -> str:
    """Return the identity of a backbone's weights; raise Skip if they are absent."""
    if reference not in context.weights:
        backbone = context.catalog.backbone(reference.use)
        try:
            context.weights[reference] = backbone.identity(
                all_as_given(params), offline=context.offline
            )
        except Skip as error:
            context.weights[reference] = error
    identity = context.weights[reference]
    if isinstance(identity, Skip):
        raise identity
    return identity

"""What a run would do: every cell with its key and its state, before anything is spent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from benchbench.catalog import Catalog
from benchbench.errors import PluginError, Skip
from benchbench.hardware import Device
from benchbench.identity import cell_id, identity_block
from benchbench.identity import key as key_of
from benchbench.parameters import Params
from benchbench.preparation import PreparedCorpus
from benchbench.redaction import redact
from benchbench.store import Store, records_of, standing
from benchbench.types import Cell, Json, Record, Reference

State = Literal["done", "missing", "stale", "again", "unresolved"]
STANDING = ("ok", "diverged", "oom", "timeout")
"""These outcomes stand until they are forced; `failed` and `interrupted` run again."""


@dataclass(frozen=True, slots=True)
class PlannedCell:
    """A cell, what it resolves to, and what the store already knows of it.

    `state`: done; missing; stale (the same was asked for, something that decides numbers has
    changed since); again (its last attempt failed); unresolved (`reason` says what is absent).
    """

    cell: Cell
    id: str
    key: str | None
    identity: Json
    state: State
    reason: str = ""
    record: Record | None = None
    upstream: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a plan depends on beside the cells."""

    catalog: Catalog
    store: Store
    device: Device
    offline: bool = False
    force: bool = False
    weights: dict[Reference, str | Skip] = field(default_factory=dict)
    """What identifies each backbone's weights, asked once: the hub may take seconds to answer."""


def plan_cells(
    cells: Iterable[Cell], corpora: Mapping[Reference, PreparedCorpus], around: Surroundings
) -> list[PlannedCell]:
    """Return every cell planned, upstream cells before those that require them."""
    around = replace(around, weights={})
    planned: dict[Cell, PlannedCell] = {}
    for cell in cells:
        try:
            _plan(cell, corpora, around, planned)
        except RecursionError as error:
            raise PluginError(
                f"Method '{cell.method.name}' requires itself, directly or by way of others."
            ) from error
    return list(planned.values())


def _plan(
    cell: Cell,
    corpora: Mapping[Reference, PreparedCorpus],
    around: Surroundings,
    planned: dict[Cell, PlannedCell],
) -> PlannedCell:
    if cell in planned:
        return planned[cell]
    requires = getattr(around.catalog.method(cell.method.use), "requires", None)
    upstream = [
        _plan(needed, corpora, around, planned) for needed in (requires(cell) if requires else ())
    ]
    if cell.dataset not in corpora:
        raise PluginError(f"A method requires {cell.title}, whose dataset is not in this run.")
    name = cell_id(cell)
    ids = tuple(needed.id for needed in upstream)
    try:
        identity = _identity(cell, corpora[cell.dataset], upstream, around)
    except Skip as error:
        reason = redact(str(error))
        planned[cell] = PlannedCell(cell, name, None, {}, "unresolved", reason, None, ids)
        return planned[cell]
    key = key_of(identity)
    state, record = _state(records_of(around.store, name), key, around.force)
    planned[cell] = PlannedCell(cell, name, key, identity, state, "", record, ids)
    return planned[cell]


def _state(records: list[Record], key: str, force: bool) -> tuple[State, Record | None]:
    record = standing(records, key)
    if record is not None and not force:
        return ("done" if record.status in STANDING else "again"), record
    resolved = [other for other in records if other.key is not None]
    return ("stale" if resolved and record is None else "missing"), record


def _identity(
    cell: Cell, corpus: PreparedCorpus, upstream: Iterable[PlannedCell], around: Surroundings
) -> Json:
    catalog, device = around.catalog, around.device
    parameters = {
        "dataset": catalog.resolved("dataset", cell.dataset),
        "method": catalog.resolved("method", cell.method),
    }
    weights = None
    dtype = device.dtype
    if cell.backbone is not None:
        parameters["backbone"] = catalog.resolved("backbone", cell.backbone)
        dtype = device.compute_dtype(str(parameters["backbone"].get("dtype", "auto")))
        weights = _weights(cell.backbone, parameters["backbone"], around)
    keys = [needed.key for needed in upstream]
    return identity_block(
        cell=cell,
        parameters={noun: dict(values) for noun, values in parameters.items()},
        device=device.kind,
        dtype=dtype,
        fingerprint=corpus.fingerprint,
        weights=weights,
        plugins=catalog.plugins_of(cell),
        upstream=[key for key in keys if key is not None],
    )


def _weights(reference: Reference, params: Params, around: Surroundings) -> str:
    """Return what identifies a backbone's weights; raise Skip where they cannot be had."""
    if reference not in around.weights:
        backbone = around.catalog.backbone(reference.use)
        try:
            around.weights[reference] = backbone.identity(params, offline=around.offline)
        except Skip as error:
            around.weights[reference] = error
    found = around.weights[reference]
    if isinstance(found, Skip):
        raise found
    return found

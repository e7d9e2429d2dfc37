"""From a grid to its cells: a pure function, which asks no catalog."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

from benchbench.catalog import at_share
from benchbench.contract import Cell, GridError, Params, Reference, did_you_mean
from benchbench.grids.assignment import unknown_owners, unused_params, used_names, with_params
from benchbench.grids.grid import Block, Grid, Overrides
from benchbench.grids.members import BackboneMember, DatasetMember, MethodMember
from benchbench.grids.only import narrowed


@dataclass(frozen=True, slots=True)
class Expansion:
    """A grid's cells in their fixed order, and the pairs that are no cells, with the reason.

    `tried` maps a cell of a search to the values that the search tries there.
    """

    cells: tuple[Cell, ...]
    dropped: tuple[str, ...]
    tried: Mapping[Cell, Params] = field(default_factory=dict)


@dataclass(slots=True)
class _Draft:
    """An expansion in the making; `cells` maps each cell to what a search tries there."""

    cells: dict[Cell, Params] = field(default_factory=dict)
    dropped: dict[str, None] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def expand(grid: Grid, overrides: Overrides | None = None) -> Expansion:
    """Return the grid's cells; raise GridError with all faults of names and values.

    Incompatible pairs are dropped with a reason, and duplicates collapse. A method that needs no
    backbone is one cell per dataset and seed; one that does not depend on the seed has seed 0.
    """
    overrides = overrides or Overrides()
    flags = overrides.params
    members = [member for block in grid.blocks for member in block.members]
    declared = {parameter.name for member in members for parameter in member.parameters}
    draft = _Draft(faults=unknown_owners(grid, overrides))
    unused_flags = {name for name in flags if "." not in name}
    for written in grid.blocks:
        used = used_names(written, written.params, written.search, flags)
        unused_flags -= used
        if not overrides.replaces_members:
            draft.faults += unused_params(written, used)
        block, faults = with_params(narrowed(written, overrides.only), flags)
        draft.faults += faults
        if block.search and block.learning:
            draft.faults.append(
                f"a block that searches ({', '.join(block.search)}) cannot be learned from shares "
                "of the training documents; --set what the search chose, or leave out learning"
            )
        if not draft.faults:
            _expand_block(block, grid.seeds, draft)
    draft.faults += [
        f"--set {name}: nothing in the grid has that parameter{did_you_mean(name, declared)}"
        for name in sorted(unused_flags)
    ]
    draft.faults += _clashes(draft.cells)
    _drop_unused(overrides.backbones, draft)
    if draft.faults:
        raise GridError(f"Grid '{grid.name}'", list(dict.fromkeys(draft.faults)))
    tried = {cell: values for cell, values in draft.cells.items() if values}
    return Expansion(tuple(draft.cells), tuple(draft.dropped), tried)


def _expand_block(block: Block, seeds: tuple[int, ...], draft: _Draft) -> None:
    """Add the cells of a block whose members have their parameters."""
    for dataset in block.datasets:
        kind = dataset.kind()
        for method in block.methods:
            if kind not in method.kinds:
                draft.dropped[f"{method.name} on {dataset.name}: it takes no {kind} data"] = None
                continue
            for reference, tried in _tries(block, method, draft):
                for backbone in _backbones(block, dataset, method, draft):
                    for seed in (block.seeds or seeds) if method.seeded else (0,):
                        for share in block.learning or (1.0,):
                            part = at_share(dataset.reference, share)
                            draft.cells.setdefault(Cell(part, reference, backbone, seed), tried)


def _tries(block: Block, method: MethodMember, draft: _Draft) -> list[tuple[Reference, Params]]:
    """Return (the method with searched values, those values) for each combination.

    A method that declares none of the searched parameters is tried once.
    """
    setters = method.setters(block.search)
    if not setters:
        return [(method.reference, {})]
    tries: list[tuple[Reference, Params]] = []
    for values in product(*(block.search[name] for name in setters.values())):
        tried = dict(zip(setters, values, strict=True))
        member, faults = method.asking({**method.reference.params, **tried})
        draft.faults += faults
        typed = {name: member.reference.params[name] for name in setters}
        tries.append((member.reference, typed))
    return tries


def _backbones(
    block: Block, dataset: DatasetMember, method: MethodMember, draft: _Draft
) -> Iterator[Reference | None]:
    """Yield the backbones that a method takes; None if it needs none."""
    if not method.backbone_kinds:
        yield None
        return
    if not block.backbones:
        reason = "it needs a backbone, none was given"
        draft.dropped[f"{method.name} on {dataset.name}: {reason}"] = None
    for backbone in block.backbones:
        if backbone.kind in method.backbone_kinds:
            yield backbone.reference
        else:
            reason = f"it takes {' or '.join(method.backbone_kinds)}, not {backbone.kind}"
            draft.dropped[f"{method.name} with {backbone.name}: {reason}"] = None


def _drop_unused(backbones: Iterable[BackboneMember], draft: _Draft) -> None:
    """Say of each backbone of the command line that no cell has why it is not there."""
    used = {cell.backbone.name for cell in draft.cells if cell.backbone}
    for backbone in backbones:
        told = any(f" with {backbone.name}: " in reason for reason in draft.dropped)
        if backbone.name not in used and not told:
            reason = f"backbone {backbone.name}: none of the methods takes a backbone"
            draft.dropped[reason] = None


def _clashes(cells: Mapping[Cell, Params]) -> list[str]:
    """Return a fault for different references of one name: their rows would look the same.

    A method and a backbone may differ from dataset to dataset, because each dataset has its own
    table. Searched parameters may differ.
    """
    meanings: dict[tuple[str, str, str], tuple[str, Params]] = {}
    faults = []
    for cell, tried in cells.items():
        for noun, reference in (
            ("dataset", cell.dataset),
            ("method", cell.method),
            ("backbone", cell.backbone),
        ):
            if reference is None:
                continue
            searched = tried if noun == "method" else {}
            params = {k: v for k, v in reference.params.items() if k not in searched}
            meaning = (reference.use, params)
            table = "" if noun == "dataset" else cell.dataset.name
            if meanings.setdefault((noun, reference.name, table), meaning) != meaning:
                faults.append(
                    f"two {noun}s are both called '{reference.name}' and differ; "
                    f'name one with as = "..."'
                )
    return faults

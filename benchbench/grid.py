"""A grid is a sum of products: blocks of datasets x methods x backbones x seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from benchbench.catalog import Catalog
from benchbench.errors import BenchbenchError, GridError
from benchbench.parameters import Params, Value, did_you_mean
from benchbench.types import Cell, Reference

NOUNS = ("dataset", "method", "backbone")


@dataclass(frozen=True, slots=True)
class Block:
    """One product. `params` go to every member that declares them, or to `name.param`."""

    datasets: tuple[Reference, ...]
    methods: tuple[Reference, ...]
    backbones: tuple[Reference, ...]
    params: Params = field(default_factory=dict)
    seeds: tuple[int, ...] | None = None

    def members(self, noun: str) -> tuple[Reference, ...]:
        """Return the block's datasets, methods or backbones."""
        return {"dataset": self.datasets, "method": self.methods, "backbone": self.backbones}[noun]


@dataclass(frozen=True, slots=True)
class Grid:
    """A named sum of blocks."""

    name: str
    title: str
    seeds: tuple[int, ...]
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line says over the grid's file. Empty means: as in the file."""

    datasets: tuple[Reference, ...] = ()
    methods: tuple[Reference, ...] = ()
    backbones: tuple[Reference, ...] = ()
    seeds: tuple[int, ...] = ()
    sets: Mapping[str, str] = field(default_factory=dict)
    only: Mapping[str, frozenset[str]] = field(default_factory=dict)
    limit: int | None = None

    def members(self, noun: str) -> tuple[Reference, ...]:
        """Return the datasets, methods or backbones that stand in for the file's."""
        return {"dataset": self.datasets, "method": self.methods, "backbone": self.backbones}[noun]


@dataclass(frozen=True, slots=True)
class Expansion:
    """A grid's cells in their fixed order, and the pairs that cannot be, with the reason."""

    cells: tuple[Cell, ...]
    dropped: tuple[str, ...]


def expand(grid: Grid, catalog: Catalog, overrides: Overrides | None = None) -> Expansion:
    """Return the grid's cells; raise GridError with all faults of names and values.

    Incompatible pairs are dropped with a reason, duplicates collapse: a method that needs no
    backbone is one cell a dataset, one that does not depend on the seed has seed 0 alone.
    """
    overrides = overrides or Overrides()
    faults = _unused_sets(grid, overrides)
    flags: dict[str, Value] = dict(overrides.sets)
    if overrides.limit is not None:
        flags["limit"] = overrides.limit
    as_written = not any(overrides.members(noun) for noun in NOUNS)
    idle = {name for name in flags if "." not in name}
    cells: dict[Cell, None] = {}
    dropped: dict[str, None] = {}
    for written in grid.blocks:
        block, taken = _with_params(written, flags, catalog, faults)
        idle -= taken
        if as_written:
            faults += _idle([name for name in block.params if name not in taken], block, catalog)
        if not faults:
            for cell in _product(block, grid.seeds, catalog, dropped):
                if _wanted(cell, overrides.only):
                    cells[cell] = None
    faults += [f"--set {name}: nothing in the grid has that parameter" for name in sorted(idle)]
    faults += _clashes(cells)
    if faults:
        raise GridError(f"Grid '{grid.name}'", list(dict.fromkeys(faults)))
    return Expansion(tuple(cells), tuple(dropped))


def parse_only(text: str, grid: Grid) -> dict[str, frozenset[str]]:
    """Read `dataset=a,method=b,method=c`: alternatives within a noun, all nouns must agree."""
    only: dict[str, frozenset[str]] = {}
    for part in filter(None, text.split(",")):
        noun, equals, name = part.partition("=")
        if not equals or noun not in NOUNS:
            raise BenchbenchError(
                f"--only takes dataset=NAME, method=NAME, backbone=NAME; found '{part}'."
            )
        only[noun] = only.get(noun, frozenset()) | {name}
    for noun, names in only.items():
        known = {r.name for block in grid.blocks for r in block.members(noun)}
        for name in sorted(names - known):
            raise BenchbenchError(
                f"--only {noun}={name}: no such {noun} in grid '{grid.name}'"
                f"{did_you_mean(name, known)}"
            )
    return only


def _with_params(
    block: Block, flags: Params, catalog: Catalog, faults: list[str]
) -> tuple[Block, set[str]]:
    """Give every member the block's params and the command line's; return what found a taker."""
    taken: set[str] = set()
    members: dict[str, tuple[Reference, ...]] = {}
    for noun in NOUNS:
        settled = []
        for reference in block.members(noun):
            declared = [parameter.name for parameter in catalog.parameters(noun, reference.use)]
            of_block, of_flags = (_meant_for(reference, declared, p) for p in (block.params, flags))
            taken |= {*of_block.values(), *of_flags.values()}
            # a member's own params are nearer to it than its block's; the command line beats both
            params = {
                **{parameter: block.params[name] for parameter, name in of_block.items()},
                **reference.params,
                **{parameter: flags[name] for parameter, name in of_flags.items()},
            }
            values, found = catalog.resolve(noun, replace(reference, params=params))
            faults += found
            # what was asked for is kept in its declared type, so that "8" and 8 are one cell
            asked = {name: values.get(name, value) for name, value in sorted(params.items())}
            settled.append(replace(reference, params=asked))
        members[noun] = tuple(settled)
    settled_block = replace(
        block,
        datasets=members["dataset"],
        methods=members["method"],
        backbones=members["backbone"],
    )
    return settled_block, taken


def _meant_for(
    reference: Reference, declared: Iterable[str], given: Iterable[str]
) -> dict[str, str]:
    """Map parameters of a member to what sets them: `rank`, or `name.rank`, which is nearer."""
    bare = {name: name for name in given if name in declared}
    for name in given:
        owner, dot, parameter = name.rpartition(".")
        if dot and owner in (reference.name, reference.use):
            bare[parameter] = name
    return bare


def _idle(names: Iterable[str], block: Block, catalog: Catalog) -> list[str]:
    """Name a block's params that none of its members took."""
    owners = {r.name for noun in NOUNS for r in block.members(noun)}
    declared = {
        parameter.name
        for noun in NOUNS
        for reference in block.members(noun)
        for parameter in catalog.parameters(noun, reference.use)
    }
    faults = []
    for name in names:
        owner, dot, _ = name.rpartition(".")
        if dot:
            faults.append(
                f"params '{name}': nothing in its block is called '{owner}'"
                f"{did_you_mean(owner, owners)}"
            )
        else:
            faults.append(
                f"parameter '{name}' is declared by nothing in its block"
                f"{did_you_mean(name, declared)}"
            )
    return faults


def _product(
    block: Block, seeds: tuple[int, ...], catalog: Catalog, dropped: dict[str, None]
) -> Iterable[Cell]:
    for dataset in block.datasets:
        kind = catalog.dataset(dataset.use).kind(catalog.resolved("dataset", dataset))
        for reference in block.methods:
            method = catalog.method(reference.use)
            if kind not in method.kinds:
                dropped[f"{reference.name} on {dataset.name}: it takes no {kind} data"] = None
                continue
            backbones: list[Reference | None] = list(block.backbones)
            if not method.backbone_kinds:
                backbones = [None]
            elif not backbones:
                dropped[
                    f"{reference.name} on {dataset.name}: it needs a backbone, none was given"
                ] = None
            for backbone in backbones:
                if backbone and catalog.backbone(backbone.use).kind not in method.backbone_kinds:
                    dropped[
                        f"{reference.name} with {backbone.name}: it takes "
                        f"{' or '.join(method.backbone_kinds)}, "
                        f"not {catalog.backbone(backbone.use).kind}"
                    ] = None
                    continue
                for seed in (block.seeds or seeds) if method.seeded else (0,):
                    yield Cell(dataset, reference, backbone, seed)


def _wanted(cell: Cell, only: Mapping[str, frozenset[str]]) -> bool:
    names = {
        "dataset": cell.dataset.name,
        "method": cell.method.name,
        "backbone": cell.backbone.name if cell.backbone else None,
    }
    return all(names[noun] is None or names[noun] in wanted for noun, wanted in only.items())


def _clashes(cells: Iterable[Cell]) -> list[str]:
    """Name references that share a name and differ: their rows could not be told apart."""
    seen: dict[tuple[str, str], tuple[str, Params]] = {}
    faults = []
    for cell in cells:
        for noun, reference in (
            ("dataset", cell.dataset),
            ("method", cell.method),
            ("backbone", cell.backbone),
        ):
            if reference is None:
                continue
            meaning = (reference.use, dict(reference.params))
            if seen.setdefault((noun, reference.name), meaning) != meaning:
                faults.append(
                    f"two {noun}s are both called '{reference.name}' and differ; "
                    f'name one with as = "..."'
                )
    return faults


def _unused_sets(grid: Grid, overrides: Overrides) -> list[str]:
    known = {
        name
        for block in grid.blocks
        for noun in NOUNS
        for reference in block.members(noun)
        for name in (reference.name, reference.use)
    }
    return [
        f"--set {name}: nothing in the grid is called '{owner}'{did_you_mean(owner, known)}"
        for name in overrides.sets
        if (owner := name.rpartition(".")[0]) and owner not in known
    ]

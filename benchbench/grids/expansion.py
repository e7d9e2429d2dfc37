"""A grid is a sum of products: blocks of datasets x methods x backbones x seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import product

from benchbench.catalog import Catalog
from benchbench.contract import (
    BenchbenchError,
    Cell,
    GridError,
    Params,
    Reference,
    Value,
    did_you_mean,
)

NOUNS = ("dataset", "method", "backbone")
CORES = "cores"


@dataclass(frozen=True, slots=True)
class Block:
    """One product. `params` go to every member that declares them, or to `name.param`.

    `search` maps parameters of methods to the values that are tried, all with all: of a method's
    tries the one with the best validation counts.
    """

    datasets: tuple[Reference, ...]
    methods: tuple[Reference, ...]
    backbones: tuple[Reference, ...]
    params: Params = field(default_factory=dict)
    seeds: tuple[int, ...] | None = None
    search: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)

    def members(self, noun: str) -> tuple[Reference, ...]:
        """Return the block's datasets, methods or backbones."""
        return {"dataset": self.datasets, "method": self.methods, "backbone": self.backbones}[noun]


@dataclass(frozen=True, slots=True)
class Grid:
    """A named sum of blocks.

    `jobs` is how many of its cells run at once where nothing else is asked for, CORES one a core;
    `note` stands under its leaderboard's title; `closing` is the line that a run of it ends with.
    """

    name: str
    title: str
    seeds: tuple[int, ...]
    blocks: tuple[Block, ...]
    jobs: int | str = 1
    note: str = ""
    closing: str = ""


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
    """A grid's cells in their fixed order, and the pairs that cannot be, with the reason.

    `tried` holds what was searched of a cell's parameters, for the cells of a search alone.
    """

    cells: tuple[Cell, ...]
    dropped: tuple[str, ...]
    tried: Mapping[Cell, Params] = field(default_factory=dict)


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
    cells: dict[Cell, Params] = {}
    dropped: dict[str, None] = {}
    for written in grid.blocks:
        taken = _taken(written, catalog, written.params, written.search, flags)
        idle -= taken
        if as_written:
            named = (*written.params, *written.search)
            faults += _idle([name for name in named if name not in taken], written, catalog)
        block = _with_params(_narrowed(written, overrides.only), flags, catalog, faults)
        block = replace(block, search=_still_searched(block.search, flags))
        if not faults:
            for cell, tried in _product(block, grid.seeds, catalog, dropped, faults):
                cells.setdefault(cell, tried)
    faults += [f"--set {name}: nothing in the grid has that parameter" for name in sorted(idle)]
    faults += _clashes(cells)
    if faults:
        raise GridError(f"Grid '{grid.name}'", list(dict.fromkeys(faults)))
    return Expansion(
        tuple(cells), tuple(dropped), {cell: tried for cell, tried in cells.items() if tried}
    )


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


def _narrowed(block: Block, only: Mapping[str, frozenset[str]]) -> Block:
    """Return the block with the members that --only names; what it leaves out is not resolved."""
    members = {
        noun: tuple(r for r in block.members(noun) if noun not in only or r.name in only[noun])
        for noun in NOUNS
    }
    return _with_members(block, members)


def _with_members(block: Block, members: Mapping[str, tuple[Reference, ...]]) -> Block:
    return replace(
        block,
        datasets=members["dataset"],
        methods=members["method"],
        backbones=members["backbone"],
    )


def _taken(block: Block, catalog: Catalog, *given: Iterable[str]) -> set[str]:
    """Return which of the names some member of the block, as it is written, has a use for."""
    return {
        name
        for noun in NOUNS
        for reference in block.members(noun)
        for names in given
        for name in _meant_for(reference, _declared(noun, reference, catalog), names).values()
    }


def _declared(noun: str, reference: Reference, catalog: Catalog) -> list[str]:
    return [parameter.name for parameter in catalog.parameters(noun, reference.use)]


def _with_params(block: Block, flags: Params, catalog: Catalog, faults: list[str]) -> Block:
    """Give every member the block's params and the command line's."""
    members: dict[str, tuple[Reference, ...]] = {}
    for noun in NOUNS:
        settled = []
        for reference in block.members(noun):
            declared = _declared(noun, reference, catalog)
            of_block, of_flags = (_meant_for(reference, declared, p) for p in (block.params, flags))
            # a member's own params are nearer to it than its block's; the command line beats both
            params = {
                **{parameter: block.params[name] for parameter, name in of_block.items()},
                **reference.params,
                **{parameter: flags[name] for parameter, name in of_flags.items()},
            }
            settled.append(_settled(noun, reference, params, catalog, faults))
        members[noun] = tuple(settled)
    return _with_members(block, members)


def _settled(
    noun: str, reference: Reference, params: Params, catalog: Catalog, faults: list[str]
) -> Reference:
    """Return the reference with these parameters.

    What was asked for is kept in its declared type, so that "8" and 8 are one cell.
    """
    values, found = catalog.resolve(noun, replace(reference, params=params))
    faults += found
    asked = {name: values.get(name, value) for name, value in sorted(params.items())}
    return replace(reference, params=asked)


def _still_searched(
    search: Mapping[str, tuple[Value, ...]], flags: Iterable[str]
) -> Mapping[str, tuple[Value, ...]]:
    """Return what is searched but for parameters that the command line sets."""
    settled = {name.rpartition(".")[2] for name in flags}
    return {
        name: values for name, values in search.items() if name.rpartition(".")[2] not in settled
    }


def _tries(
    block: Block, method: Reference, catalog: Catalog, faults: list[str]
) -> list[tuple[Reference, Params]]:
    """Return the method once a combination of searched values that it declares, with these."""
    meant = _meant_for(method, _declared("method", method, catalog), block.search)
    if not meant:
        return [(method, {})]
    tries: list[tuple[Reference, Params]] = []
    for values in product(*(block.search[name] for name in meant.values())):
        tried = dict(zip(meant, values, strict=True))
        settled = _settled("method", method, {**method.params, **tried}, catalog, faults)
        tries.append((settled, {name: settled.params[name] for name in meant}))
    return tries


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
    block: Block,
    seeds: tuple[int, ...],
    catalog: Catalog,
    dropped: dict[str, None],
    faults: list[str],
) -> Iterable[tuple[Cell, Params]]:
    """Yield a block's cells, each with what was searched of its method's parameters."""
    for dataset in block.datasets:
        kind = catalog.dataset(dataset.use).kind(catalog.resolved("dataset", dataset))
        for reference in block.methods:
            method = catalog.method(reference.use)
            if kind not in method.kinds:
                dropped[f"{reference.name} on {dataset.name}: it takes no {kind} data"] = None
                continue
            for tried_reference, tried in _tries(block, reference, catalog, faults):
                for backbone in _backbones(block, dataset, reference, catalog, dropped):
                    for seed in (block.seeds or seeds) if method.seeded else (0,):
                        yield Cell(dataset, tried_reference, backbone, seed), tried


def _backbones(
    block: Block,
    dataset: Reference,
    reference: Reference,
    catalog: Catalog,
    dropped: dict[str, None],
) -> Iterable[Reference | None]:
    """Yield the backbones that a method can take, None where it needs none."""
    method = catalog.method(reference.use)
    if not method.backbone_kinds:
        yield None
        return
    if not block.backbones:
        dropped[f"{reference.name} on {dataset.name}: it needs a backbone, none was given"] = None
    for backbone in block.backbones:
        kind = catalog.backbone(backbone.use).kind
        if kind in method.backbone_kinds:
            yield backbone
        else:
            takes = " or ".join(method.backbone_kinds)
            dropped[f"{reference.name} with {backbone.name}: it takes {takes}, not {kind}"] = None


def _clashes(cells: Mapping[Cell, Params]) -> list[str]:
    """Name references that share a name and differ: their rows could not be told apart.

    A method and a backbone may differ from dataset to dataset, each of which has its own table.
    """
    seen: dict[tuple[str, str, str], tuple[str, Params]] = {}
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
            if seen.setdefault((noun, reference.name, table), meaning) != meaning:
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

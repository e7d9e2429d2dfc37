"""Which members a parameter is for: of a member itself, of its block, of the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from benchbench.contract import Params, Value, did_you_mean
from benchbench.grids.grid import Block, Grid, Overrides
from benchbench.grids.members import AnyMember


def with_params(block: Block, flags: Params) -> tuple[Block, list[str]]:
    """Return (the block whose members have all their parameters, faults).

    `flags` are those of the command line. What they set is not searched any more.
    """
    faults: list[str] = []

    def settled(members: Iterable[AnyMember]) -> tuple[AnyMember, ...]:
        pairs = [_settled(member, block.params, flags) for member in members]
        faults.extend(fault for _, member_faults in pairs for fault in member_faults)
        return tuple(member for member, _ in pairs)

    settled_block = replace(
        block,
        datasets=settled(block.datasets),
        methods=settled(block.methods),
        backbones=settled(block.backbones),
        search=_still_searched(block.search, flags),
    )
    return settled_block, faults


def used_names(block: Block, *sources: Iterable[str]) -> set[str]:
    """Return the names that set a parameter of some member, for each source of names alone."""
    return {
        name
        for member in block.members
        for names in sources
        for name in member.setters(names).values()
    }


def unused_params(block: Block, used: set[str]) -> list[str]:
    """Return a fault for each name in a block's params and search that sets nothing."""
    owners = {member.name for member in block.members}
    declared = {parameter.name for member in block.members for parameter in member.parameters}
    faults = []
    for name in (*block.params, *block.search):
        owner, dot, _ = name.rpartition(".")
        if name in used:
            continue
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


def unknown_owners(grid: Grid, overrides: Overrides) -> list[str]:
    """Return a fault for each `--set NAME.PARAMETER` whose NAME is not in the grid."""
    known = {name for block in grid.blocks for member in block.members for name in member.names}
    return [
        f"--set {name}: nothing in the grid is called '{owner}'{did_you_mean(owner, known)}"
        for name in overrides.sets
        if (owner := name.rpartition(".")[0]) and owner not in known
    ]


def _settled(member: AnyMember, block_params: Params, flags: Params) -> tuple[AnyMember, list[str]]:
    """Return (the member with its parameters, faults).

    Its own parameters are nearer to it than those of its block; the command line beats both.
    """
    of_block, of_flags = member.setters(block_params), member.setters(flags)
    return member.asking(
        {
            **{parameter: block_params[name] for parameter, name in of_block.items()},
            **member.reference.params,
            **{parameter: flags[name] for parameter, name in of_flags.items()},
        }
    )


def _still_searched(
    search: Mapping[str, tuple[Value, ...]], flags: Iterable[str]
) -> dict[str, tuple[Value, ...]]:
    """Return what is searched, without the parameters that the command line sets."""
    set_now = {name.rpartition(".")[2] for name in flags}
    return {
        name: values for name, values in search.items() if name.rpartition(".")[2] not in set_now
    }

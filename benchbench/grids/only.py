"""`--only` narrows a grid to some of its datasets, methods and backbones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from benchbench.contract import BenchbenchError, did_you_mean
from benchbench.grids.grid import NOUNS, Block, Grid
from benchbench.grids.members import AnyMember


def parse_only(text: str, grid: Grid) -> dict[str, frozenset[str]]:
    """Read `dataset=a,method=b,method=c` into noun -> names.

    Names of one noun are alternatives, and a cell must match every noun. A cell without a backbone
    matches any backbone. Raises BenchbenchError for a name that is not in the grid.
    """
    only: dict[str, frozenset[str]] = {}
    for part in filter(None, text.split(",")):
        noun, equals, name = part.partition("=")
        if not equals or noun not in NOUNS:
            raise BenchbenchError(
                f"--only takes dataset=NAME, method=NAME, backbone=NAME; found '{part}'."
            )
        only[noun] = only.get(noun, frozenset()) | {name}
    for noun, names in only.items():
        members = [member for block in grid.blocks for member in block.members]
        known = {member.name for member in members if member.noun == noun}
        for name in sorted(names - known):
            raise BenchbenchError(
                f"--only {noun}={name}: no such {noun} in grid '{grid.name}'"
                f"{did_you_mean(name, known)}"
            )
    return only


def narrowed(block: Block, only: Mapping[str, frozenset[str]]) -> Block:
    """Return the block with the members that --only names."""

    def kept(members: Iterable[AnyMember]) -> tuple[AnyMember, ...]:
        return tuple(
            member
            for member in members
            if member.noun not in only or member.name in only[member.noun]
        )

    return replace(
        block,
        datasets=kept(block.datasets),
        methods=kept(block.methods),
        backbones=kept(block.backbones),
    )

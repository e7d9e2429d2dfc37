"""What the command line puts in the place of a grid's members, and which parameters it keeps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchbench.contract import Params
from benchbench.grids.grid import NOUNS, Overrides
from benchbench.grids.members import AnyMember, GridMember

OF_ANY_DATASET = ("limit", "split_seed")
"""The parameters that mean the same on any dataset, and go over to a dataset of another name."""


@dataclass(frozen=True, slots=True)
class WrittenMember:
    """A member as the file of a grid writes it: not looked up."""

    use: str
    params: Params


def with_kept_params(
    overrides: Overrides, data: Mapping[str, Any]
) -> tuple[Overrides, tuple[str, ...]]:
    """Return (overrides whose members keep what the file says of them, a line per kind replaced).

    A member that the file has, too, keeps the parameters that the file gives it wherever it
    occurs. A dataset that is new to the grid keeps the limit and the seed of the split, where all
    datasets of the file agree on them.
    """
    lines = []
    kept: dict[str, Any] = {}
    for noun in NOUNS:
        written = _written(data, f"{noun}s")
        given = getattr(overrides, f"{noun}s")
        if given and written:
            kept[f"{noun}s"] = tuple(_with_params_of(member, written) for member in given)
            lines.append(_line(noun, given, kept[f"{noun}s"], written))
    return replace(overrides, **kept), tuple(lines)


def _with_params_of(member: AnyMember, written: Sequence[WrittenMember]) -> AnyMember:
    same = [other.params for other in written if other.use == member.reference.use]
    if same:
        params = _shared(same)
    elif member.noun == "dataset":
        agreed = _shared([other.params for other in written])
        params = {name: value for name, value in agreed.items() if name in OF_ANY_DATASET}
    else:
        params = {}
    reference = replace(member.reference, params={**params, **member.reference.params})
    return replace(member, reference=reference)


def _shared(params: Sequence[Params]) -> dict[str, Any]:
    """Return the parameters that all have, with one value."""
    first = params[0]
    return {
        name: value
        for name, value in first.items()
        if all(name in other and other[name] == value for other in params)
    }


def _line(
    noun: str,
    given: Iterable[GridMember],
    kept: Iterable[GridMember],
    written: Iterable[WrittenMember],
) -> str:
    """Say what is replaced, and which parameters of the file are kept and which are not."""
    before = {name for member in given for name in member.reference.params}
    stays = {
        f"{name} = {value}": name
        for member in kept
        for name, value in member.reference.params.items()
        if name not in before
    }
    gone = {
        f"{name} = {value}": None
        for member in written
        for name, value in member.params.items()
        if f"{name} = {value}" not in stays
    }
    names = ", ".join(dict.fromkeys(member.name for member in given))
    line = (
        f"--{noun} {names} takes the place of the grid's {noun}s "
        f"({', '.join(dict.fromkeys(member.use for member in written))})"
    )
    line += f"; kept: {', '.join(stays)}" if stays else ""
    return line + (f"; dropped: {', '.join(gone)}" if gone else "") + "."


def _written(data: Mapping[str, Any], key: str) -> list[WrittenMember]:
    """Return the members under a key of all blocks; what is written wrongly is left out."""
    members = []
    blocks = data.get("block", [])
    for block in blocks if isinstance(blocks, list) else []:
        items = block.get(key, []) if isinstance(block, dict) else []
        for item in items if isinstance(items, list) else []:
            table = {"use": item} if isinstance(item, str) else item
            if isinstance(table, dict) and isinstance(table.get("use"), str):
                params = {name: v for name, v in table.items() if name not in ("use", "as")}
                members.append(WrittenMember(table["use"], params))
    return members

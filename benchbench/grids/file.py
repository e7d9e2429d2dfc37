"""Reads a grid from TOML, and reports all faults of a file at once."""

from __future__ import annotations

import reprlib
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchbench.catalog import Catalog
from benchbench.contract import (
    LARGEST_INTEGER,
    BenchbenchError,
    GridError,
    LocalPath,
    Value,
    did_you_mean,
    is_storable,
)
from benchbench.grids.grid import CORES, Block, Grid, Overrides
from benchbench.grids.learning import block_shares
from benchbench.grids.members import AnyMember
from benchbench.grids.references import Finders
from benchbench.grids.replacement import with_kept_params
from benchbench.machine import published

GRID_KEYS = ("title", "seeds", "jobs", "note", "closing", "block")
BLOCK_KEYS = ("datasets", "methods", "backbones", "params", "seeds", "search", "learning")


def read_grid(path: Path, catalog: Catalog, overrides: Overrides | None = None) -> Grid:
    """Read a TOML grid; raise GridError with all its faults.

    Datasets, methods, backbones, seeds and shares of `overrides` replace the file's, which are then
    not looked up. Everything else of `overrides` is for `expand`.
    """
    overrides = overrides or Overrides()
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise GridError(str(path), [f"cannot be read: {error}"]) from error
    overrides, replaced = with_kept_params(overrides, data)
    faults = _unknown_keys("the grid", data, GRID_KEYS)
    seeds = _seeds(data.get("seeds", [0]), "seeds", faults)
    finders = Finders.of(catalog)
    blocks = [
        _block(f"block {number}", entry, finders, overrides, faults)
        for number, entry in enumerate(_list(data, "block", "the grid", faults), start=1)
    ]
    if not blocks and not faults:
        faults.append("it has no [[block]]")
    jobs = _jobs(data.get("jobs", 1), faults)
    if faults:
        raise GridError(str(path), faults)
    title = str(data.get("title", path.stem))
    words = {name: str(data.get(name, "")) for name in ("note", "closing")}
    return Grid(
        path.stem, title, overrides.seeds or seeds, tuple(blocks), jobs, replaced=replaced, **words
    )


def _block(
    where: str, entry: Any, finders: Finders, overrides: Overrides, faults: list[str]
) -> Block:
    if not isinstance(entry, dict):
        faults.append(f"{where} is not a table")
        return Block((), (), ())
    faults += _unknown_keys(where, entry, BLOCK_KEYS)
    datasets = overrides.datasets or _members(where, entry, "dataset", finders.dataset, faults)
    methods = overrides.methods or _members(where, entry, "method", finders.method, faults)
    backbones = overrides.backbones or _members(where, entry, "backbone", finders.backbone, faults)
    seeds: tuple[int, ...] | None = overrides.seeds or None
    if seeds is None and "seeds" in entry:
        seeds = _seeds(entry["seeds"], f"{where} seeds", faults)
    params = _params(where, entry.get("params", {}), faults)
    search = _search(where, entry.get("search", {}), faults)
    learning = block_shares(where, entry, overrides.learning, faults)
    return Block(datasets, methods, backbones, params, seeds, search, learning)


def _members(
    where: str,
    entry: Mapping[str, Any],
    noun: str,
    find: Callable[[str], AnyMember],
    faults: list[str],
) -> tuple[AnyMember, ...]:
    """Read a list of "name" or {use = "name", as = "shown", param = value}."""
    members = []
    for item in _list(entry, f"{noun}s", where, faults):
        table = {"use": item} if isinstance(item, str) else item
        if not isinstance(table, dict) or not isinstance(table.get("use"), str):
            faults.append(f"{where}: a {noun} is a name or a table with 'use', found {item!r}")
            continue
        params = {name: value for name, value in table.items() if name not in ("use", "as")}
        if unstorable := _unstorable(f"{where}: {noun} '{table['use']}'", params):
            faults += unstorable
            continue
        try:
            member = find(table["use"])
        except BenchbenchError as error:
            faults.append(f"{where}: {error}")
            continue
        # a path tells no folder here either
        shown = published(str(LocalPath.of(str(table.get("as", member.name)))))
        members.append(member.called(shown, params))
    return tuple(members)


def _params(where: str, entry: Any, faults: list[str]) -> dict[str, Value]:
    """Read { rank = 8 }, or "method.parameter" as the name."""
    if not isinstance(entry, dict):
        faults.append(f"{where}: params is not a table")
        return {}
    params: dict[str, Value] = _flat(entry)
    faults += _unstorable(f"{where}: params", params)
    return params


def _search(where: str, entry: Any, faults: list[str]) -> dict[str, tuple[Value, ...]]:
    """Read { learning_rate = [1e-4, 2e-4] }, or "method.parameter" as the name."""
    if not isinstance(entry, dict):
        faults.append(f"{where}: search is not a table of lists")
        return {}
    search: dict[str, tuple[Value, ...]] = {}
    for name, values in _flat(entry).items():
        if not isinstance(values, list) or not values:
            faults.append(f"{where}: search '{name}' is a list of values, found {_short(values)}")
            continue
        for value in values:
            faults += _unstorable(f"{where}: search", {name: value})
        search[name] = tuple(values)
    return search


def _jobs(value: Any, faults: list[str]) -> int | str:
    if value == CORES or (type(value) is int and value > 0):
        return value  # type: ignore[no-any-return]
    faults.append(f"jobs: expected a whole number of at least 1 or '{CORES}', found {value!r}")
    return 1


def _unknown_keys(where: str, entry: Mapping[str, Any], known: tuple[str, ...]) -> list[str]:
    return [
        f"{where}: unknown key '{key}'{did_you_mean(key, known)}"
        for key in entry
        if key not in known
    ]


def _seeds(value: Any, where: str, faults: list[str]) -> tuple[int, ...]:
    sound = isinstance(value, list) and value and all(type(seed) is int for seed in value)
    if (
        not sound
        or len(set(value)) != len(value)
        or not all(0 <= seed <= LARGEST_INTEGER for seed in value)
    ):
        faults.append(f"{where}: expected a list of different whole numbers, found {value!r}")
        return (0,)
    return tuple(value)


def _list(entry: Mapping[str, Any], key: str, where: str, faults: list[str]) -> list[Any]:
    """Return the list of a key; a text or a table alone is a fault, not a list of its parts."""
    value = entry.get(key, [])
    if isinstance(value, list):
        return value
    form = "[[block]], with two brackets" if key == "block" else "a list"
    faults.append(f"{where}: '{key}' is not written as {form}, found {_short(value)}")
    return []


def _unstorable(where: str, params: Mapping[str, Any]) -> list[str]:
    """Return a fault for each value that no parameter takes: a list, a date, nan, over 64 bits."""
    return [
        f"{where}: '{name}' is one text, number, true or false; found {_short(value)}"
        for name, value in params.items()
        if not isinstance(value, str | int | float) or not is_storable(value)
    ]


def _short(value: object) -> str:
    return reprlib.repr(value)


def _flat(entry: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten TOML's nested tables: [block.params.instruction] rank = 8 -> instruction.rank."""
    flat: dict[str, Any] = {}
    for name, value in entry.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat

"""The lists of `benchbench ls`, each with its columns and rows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchbench.cli.byte_sizes import size_text
from benchbench.cli.text_tables import Rows
from benchbench.contract import Cell, Configurable, Parameter, Record, differing_params
from benchbench.evidence import main_score
from benchbench.planning import cache_folder
from benchbench.records import all_records, corrupt_records, existing_store
from benchbench.upkeep import bytes_of_record, cache_usage

MANY = 6
"""Of so many members that share a parameter, the first is named and the others are counted."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A list: its columns, those of them that hold sentences, and what returns its rows.

    `rows` is called with the folder of the store.
    """

    help: str
    columns: tuple[str, ...]
    rows: Callable[[Path], Rows]
    sentences: tuple[str, ...] = ()


def _plugins(store: Path) -> Rows:
    """Return one row per plugin, with its members by kind."""
    from benchbench.catalog import load_catalog

    catalog = load_catalog()
    supplied: dict[str, dict[str, list[str]]] = {name: {} for name in catalog.plugins}
    for (noun, name), owner in sorted(catalog.sources.items()):
        supplied.setdefault(owner, {}).setdefault(noun, []).append(name)
    return [
        (plugin.name, plugin.version, plugin.distribution, _members(supplied[plugin.name]))
        for plugin in catalog.plugins.values()
    ]


def _members(supplied: Mapping[str, Sequence[str]]) -> str:
    """Return "noun name; nouns name, name" for all kinds of members."""
    return "; ".join(
        f"{noun} {names[0]}" if len(names) == 1 else f"{noun}s {', '.join(names)}"
        for noun, names in supplied.items()
    )


def _datasets(store: Path) -> Rows:
    from benchbench.catalog import load_catalog

    return [(name, dataset.description) for name, dataset in load_catalog().datasets.items()]


def _methods(store: Path) -> Rows:
    from benchbench.catalog import load_catalog

    return [
        (
            name,
            method.description,
            ", ".join(method.kinds),
            ", ".join(method.backbone_kinds) or "–",
        )
        for name, method in load_catalog().methods.items()
    ]


def _backbones(store: Path) -> Rows:
    from benchbench.catalog import load_catalog

    return [
        (name, backbone.family, backbone.kind, backbone.description)
        for name, backbone in load_catalog().backbones.items()
    ]


def _parameters(store: Path) -> Rows:
    """Return every parameter as `--set` takes it; a parameter that members share stands once."""
    from benchbench.catalog import load_catalog

    catalog = load_catalog()
    owners: dict[Parameter, list[str]] = {}
    supplied = {"dataset": catalog.datasets, "method": catalog.methods,
                "backbone": catalog.backbones}  # fmt: skip
    for noun, members in supplied.items():
        for name in members:
            for parameter in catalog.parameters(noun, name):
                owners.setdefault(parameter, []).append(name)
    for name, executor in catalog.executors.items():
        for parameter in executor.parameters if isinstance(executor, Configurable) else ():
            owners.setdefault(parameter, []).append(name)
    return [
        (
            parameter.name,
            "(required)" if parameter.default is None else str(parameter.default) or "–",
            parameter.help,
            ", ".join(names) if len(names) < MANY else f"{names[0]} and {len(names) - 1} others",
        )
        for parameter, names in owners.items()
    ]


def _grids(store: Path) -> Rows:
    import tomllib

    from benchbench.catalog import load_catalog

    return [
        (name, str(tomllib.loads(path.read_text(encoding="utf-8")).get("title", "")))
        for name, path in load_catalog().grids.items()
    ]


def _runs(store: Path) -> Rows:
    """Return one row per record, from the files alone: no plugin is loaded."""
    opened = existing_store(store)
    rows = []
    records = list(all_records(opened))
    differing = _told_apart(records)
    for record in records:
        cell = record.cell
        score = main_score(opened, record) if record.status == "ok" else None
        rows.append(
            (
                record.id[:12],
                cell.title.replace(cell.method.name, cell.method.name + differing[cell], 1),
                str(record.attempt),
                f"{record.status}: {record.reason}" if record.reason else record.status,
                "–" if score is None else f"{score:.3f}",
                size_text(bytes_of_record(opened, record)),
            )
        )
    if corrupt := corrupt_records(opened):
        sys.stderr.write(f"{corrupt} corrupt records were set aside as .bad.\n")
    return rows


def _told_apart(records: Iterable[Record]) -> dict[Cell, str]:
    """Return what stands behind the method's name, where cells differ in their parameters alone."""
    alike: dict[str, dict[Cell, None]] = {}
    for record in records:
        alike.setdefault(record.cell.title, {})[record.cell] = None
    return {
        cell: text for group in alike.values() for cell, text in differing_params(group).items()
    }


def _caches(store: Path) -> Rows:
    """Return one row per kind of cache."""
    return [
        (usage.kind, usage.content, str(usage.entries), size_text(usage.size))
        for usage in cache_usage(cache_folder())
    ]


LISTINGS = {
    "plugins": Listing(
        "installed plugins, and what each of them supplies",
        ("plugin", "version", "distribution", "supplies"), _plugins, ("supplies",)),
    "datasets": Listing(
        "datasets, by the name that --dataset takes",
        ("dataset", "description"), _datasets, ("description",)),
    "methods": Listing(
        "methods, by the name that --method takes",
        ("method", "description", "data", "backbone"), _methods, ("description",)),
    "backbones": Listing(
        "backbones, by the name that --backbone takes",
        ("backbone", "family", "kind", "description"), _backbones, ("description",)),
    "parameters": Listing(
        "the parameters that --set takes, with their defaults",
        ("parameter", "default", "description", "of"), _parameters, ("description", "of")),
    "grids": Listing(
        "grids, by the name that --grid takes",
        ("grid", "title"), _grids, ("title",)),
    "runs": Listing(
        "the records of a store: one per attempt at a cell",
        ("id", "cell", "attempt", "status", "F1", "size"), _runs, ("cell", "status")),
    "caches": Listing(
        "what is cached on this machine, and how large it is",
        ("kind", "content", "entries", "size"), _caches, ("content",)),
}  # fmt: skip
"""The lists by their names."""

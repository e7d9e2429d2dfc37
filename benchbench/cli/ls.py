"""`benchbench ls`: what is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchbench.cli.selection import store_option
from benchbench.contract import Parameter
from benchbench.evidence import main_scores
from benchbench.machine import TEMPORARY
from benchbench.planning import CACHE, cache_folder
from benchbench.records import all_records, corrupt_records, existing_store
from benchbench.render.terminal import plain

Rows = Iterable[tuple[str, ...]]
NAMES = ("plugins", "datasets", "methods", "backbones", "parameters", "grids", "runs", "caches")
MANY = 6
"""From so many things on that share a parameter, they are counted and not named."""


@click.command()
@click.argument("what", type=click.Choice(NAMES))
@store_option
def ls(what: str, store: Path) -> int:
    """List plugins, datasets, methods, backbones, parameters, grids, runs of a store, or caches."""
    console = Console()
    columns, rows = _runs(store) if what == "runs" else LISTS[what]()
    table = Table()
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain(entry)) for entry in row))
    console.print(table)
    if what == "caches":
        console.print(Text(_advice()), soft_wrap=True)
    return 0


def _plugins() -> tuple[tuple[str, ...], Rows]:
    from benchbench.catalog import load_catalog

    catalog = load_catalog()
    supplies: dict[str, list[str]] = {name: [] for name in catalog.plugins}
    for (noun, name), plugin in sorted(catalog.sources.items()):
        supplies.setdefault(plugin, []).append(f"{noun} {name}")
    rows = [
        (plugin.name, plugin.version, plugin.distribution, ", ".join(supplies[plugin.name]))
        for plugin in catalog.plugins.values()
    ]
    return ("plugin", "version", "distribution", "supplies"), rows


def _datasets() -> tuple[tuple[str, ...], Rows]:
    from benchbench.catalog import load_catalog

    catalog = load_catalog()
    rows = [(name, dataset.description) for name, dataset in catalog.datasets.items()]
    return ("dataset", "what"), rows


def _methods() -> tuple[tuple[str, ...], Rows]:
    from benchbench.catalog import load_catalog

    rows = [
        (
            name,
            method.description,
            ", ".join(method.kinds),
            ", ".join(method.backbone_kinds) or "–",
        )
        for name, method in load_catalog().methods.items()
    ]
    return ("method", "what", "data", "backbone"), rows


def _backbones() -> tuple[tuple[str, ...], Rows]:
    from benchbench.catalog import load_catalog

    rows = [
        (name, backbone.family, backbone.kind, backbone.description)
        for name, backbone in load_catalog().backbones.items()
    ]
    return ("backbone", "family", "kind", "what"), rows


def _parameters() -> tuple[tuple[str, ...], Rows]:
    """List every parameter as `--set` takes it; those that many share stand once."""
    from benchbench.catalog import load_catalog

    catalog = load_catalog()
    owners: dict[Parameter, list[str]] = {}
    supplied = {"dataset": catalog.datasets, "method": catalog.methods,
                "backbone": catalog.backbones}  # fmt: skip
    for noun, things in supplied.items():
        for name in things:
            for parameter in catalog.parameters(noun, name):
                owners.setdefault(parameter, []).append(name)
    for name, executor in catalog.executors.items():
        for parameter in getattr(executor, "parameters", ()):
            owners.setdefault(parameter, []).append(name)
    rows = [
        (
            parameter.name,
            "(to be given)" if parameter.default is None else str(parameter.default) or "–",
            parameter.help,
            ", ".join(names) if len(names) < MANY else f"{names[0]} and {len(names) - 1} others",
        )
        for parameter, names in owners.items()
    ]
    return ("parameter", "default", "what", "of"), rows


def _grids() -> tuple[tuple[str, ...], Rows]:
    import tomllib

    from benchbench.catalog import load_catalog

    rows = [
        (name, str(tomllib.loads(path.read_text(encoding="utf-8")).get("title", "")))
        for name, path in load_catalog().grids.items()
    ]
    return ("grid", "title"), rows


def _runs(folder: Path) -> tuple[tuple[str, ...], Rows]:
    """List records from the files alone: no plugin is loaded."""
    store = existing_store(folder)
    scores = main_scores(store)
    rows = []
    for record in all_records(store):
        cell = record.cell
        score = scores.get((record.id, record.key)) if record.status == "ok" else None
        rows.append(
            (
                record.id[:12],
                cell.dataset.name,
                cell.method.name,
                cell.backbone.name if cell.backbone else "–",
                str(cell.seed),
                str(record.attempt),
                record.status,
                "–" if score is None else f"{score:.3f}",
                record.reason,
            )
        )
    if corrupt := corrupt_records(store):
        click.echo(f"{corrupt} corrupt records were set aside as .bad.", err=True)
    columns = ("id", "dataset", "method", "backbone", "seed", "attempt", "status", "F1", "reason")
    return columns, rows


KINDS = {
    "corpora": "datasets as they were read",
    "tokens": "token ids of texts",
    "features": "documents' vectors from frozen models",
    "calibrations": "how fast this machine multiplies",
}


def _caches() -> tuple[tuple[str, ...], Rows]:
    """List the caches by kind; an entry that another process deletes meanwhile is not there."""
    rows = []
    for folder in sorted(path for path in cache_folder().glob("*") if path.is_dir()):
        entries = [path for path in folder.glob("*") if not path.name.startswith(TEMPORARY)]
        mebibytes = sum(map(_bytes, folder.rglob("*"))) / 2**20
        what = KINDS.get(folder.name, "a plugin's")
        rows.append((folder.name, what, str(len(entries)), f"{mebibytes:,.1f} MiB"))
    return ("kind", "what", "entries", "size"), rows


def _bytes(path: Path) -> int:
    try:
        return path.lstat().st_size if path.is_file() else 0
    except OSError:
        return 0


def _advice() -> str:
    return (
        f"They are in {plain(str(cache_folder()))}, or where {CACHE} says. To free the space, "
        "delete the folder or parts of it: what is needed again is made again."
    )


LISTS: dict[str, Callable[[], tuple[tuple[str, ...], Rows]]] = {
    "plugins": _plugins,
    "datasets": _datasets,
    "methods": _methods,
    "backbones": _backbones,
    "parameters": _parameters,
    "grids": _grids,
    "caches": _caches,
}

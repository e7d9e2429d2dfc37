"""The names that a shell completes: what is installed, and the boards and systems of a store.

A shell asks at every press of a key, so whatever goes wrong here gives no names and no message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import click

DEFAULT_STORE = "benchbench-runs"
Completer = Callable[[click.Context, click.Parameter, str], list[str]]


def installed(nouns: str) -> Completer:
    """Return what completes the names of the catalog's `nouns`, such as "grids"."""

    def names(context: click.Context, parameter: click.Parameter, beginning: str) -> list[str]:
        with suppress(Exception):
            from benchbench.catalog import load_catalog

            return _beginning(getattr(load_catalog(), nouns), beginning)
        return []

    return names


def boards(context: click.Context, parameter: click.Parameter, beginning: str) -> list[str]:
    """Return the boards of the store that begin so."""
    with suppress(Exception):
        from benchbench.records import existing_store, list_names

        return _beginning(list_names(existing_store(_store(context)), "boards"), beginning)
    return []


def systems(context: click.Context, parameter: click.Parameter, beginning: str) -> list[str]:
    """Return the systems of the store's boards that begin so, as METHOD or METHOD/BACKBONE."""
    with suppress(Exception):
        from benchbench.evidence import read_board
        from benchbench.records import existing_store, list_names

        store = existing_store(_store(context))
        shown = [read_board(store, name) for name in list_names(store, "boards")]
        cells = [entry.cell for board in shown for entry in board.cells]
        return _beginning(
            (f"{cell.method.name}/{cell.backbone.name}" if cell.backbone else cell.method.name
             for cell in cells),
            beginning,
        )  # fmt: skip
    return []


def _store(context: click.Context) -> Path:
    return Path(context.params.get("store") or DEFAULT_STORE)


def _beginning(names: Iterable[str], beginning: str) -> list[str]:
    return sorted({name for name in names if name.startswith(beginning)})

"""A board: which cells a leaderboard is made of, frozen when they were run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchbench.contract import Cell, Json, Params, Record, Reference, StoreError
from benchbench.records import Store, read_json, record_that_counts, records_of, write_json

if TYPE_CHECKING:
    from benchbench.planning import PlannedCell, PreparedCorpus


@dataclass(frozen=True, slots=True)
class BoardCell:
    """One cell of a board and the key under which its record counts.

    `tried` is what was searched of its method's parameters; empty where nothing was.
    """

    cell: Cell
    id: str
    key: str | None
    tried: Params = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Board:
    """A frozen board. `datasets` maps a dataset's name to what a reader must know of it."""

    name: str
    title: str
    cells: tuple[BoardCell, ...]
    datasets: Mapping[str, Json]
    dropped: tuple[str, ...] = ()
    command: str = ""
    values: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    """What plugins' metrics gave on test, by cell id and name: frozen, for no plugin reads."""
    note: str = ""
    baseline_methods: tuple[str, ...] = ()
    """Names of the methods on it that need no causal language model."""

    def to_json(self) -> Json:
        """Return this board as plain data."""
        return {
            "name": self.name,
            "title": self.title,
            "cells": [
                {
                    "cell": entry.cell.to_json(),
                    "id": entry.id,
                    "key": entry.key,
                    "tried": dict(entry.tried),
                }
                for entry in self.cells
            ],
            "datasets": dict(self.datasets),
            "dropped": list(self.dropped),
            "command": self.command,
            "values": {cell: dict(values) for cell, values in self.values.items()},
            "note": self.note,
            "baseline_methods": list(self.baseline_methods),
        }

    @classmethod
    def from_json(cls, data: Json) -> Board:
        """Return the board that `to_json` wrote."""
        cells = tuple(
            BoardCell(
                Cell.from_json(entry["cell"]), entry["id"], entry["key"], entry.get("tried", {})
            )
            for entry in data["cells"]
        )
        return cls(
            data["name"],
            data["title"],
            cells,
            data["datasets"],
            tuple(data["dropped"]),
            data["command"],
            data["values"],
            data["note"],
            tuple(data["baseline_methods"]),
        )


def describe(corpus: PreparedCorpus) -> dict[str, Any]:
    """Return what a board keeps of a corpus."""
    facts = corpus.facts
    return {
        "fingerprint": corpus.fingerprint,
        "kind": facts["kind"],
        "main_metric": facts["main_metric"],
        "documents": facts["documents"],
        "labels": len(facts["labels"]["names"]),
        "unseen_labels": list(facts["labels"]["unseen"]),
        "warnings": list(facts["report"]["warnings"]),
        "skipped_rows": len(facts["report"]["skipped"]),
    }


def write_board(
    store: Store,
    board: Board,
    corpora: Mapping[Reference, PreparedCorpus],
) -> None:
    """Write the board, and beside it what its datasets are."""
    for corpus in corpora.values():
        write_json(store, "datasets", corpus.fingerprint, dict(corpus.facts))
    write_json(store, "boards", board.name, board.to_json())


def board_cells(
    planned: Iterable[PlannedCell], tried: Mapping[Cell, Params] | None = None
) -> tuple[BoardCell, ...]:
    """Return planned cells as a board keeps them; `tried` tells what was searched."""
    searched = tried or {}
    return tuple(
        BoardCell(cell.cell, cell.id, cell.key, searched.get(cell.cell, {})) for cell in planned
    )


def read_board(store: Store, name: str) -> Board:
    """Return a frozen board; raise StoreError where it is absent or corrupt."""
    try:
        return Board.from_json(read_json(store, "boards", name))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(
            f"Board '{name}' in {store.root} is not of the form that this benchbench writes: "
            f"{error!r}. Run its grid again."
        ) from error


def records_on(store: Store, board: Board) -> dict[str, Record | None]:
    """Return the record that counts for every cell of a board, by cell id."""
    return {
        entry.id: record_that_counts(records_of(store, entry.id), entry.key)
        for entry in board.cells
    }

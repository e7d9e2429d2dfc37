"""Reads a board, and checks what it says of itself before any of it is shown.

A board carries a checksum of itself, so that anybody can sign a changed one. What can be told from
the board alone is refused by every command that reads it; `verify` compares it with its records.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from benchbench.catalog import TRAINING_SHARE, at_share, share_of, whole_of
from benchbench.contract import Cell, Params, StoreError
from benchbench.evaluation.metric_names import taken_for
from benchbench.evidence.board import Board
from benchbench.records import Store, cell_id, read_typed

MOST_CELLS = 10_000


def read_board(store: Store, name: str) -> Board:
    """Return a frozen board; raise StoreError where it is absent, corrupt or cannot be so."""
    board = read_typed(store, "boards", name, Board)
    if board.name != name:
        raise StoreError(f"boards/{name}.json holds a board of another name.")
    if fault := false_claim(board):
        raise StoreError(f"boards/{name}.json: {fault}.")
    return board


def false_claim(board: Board) -> str:
    """Return the first thing on a board that cannot be so, or an empty text."""
    return next(chain(_wrong_cells(board), _wrong_shares(board), _wrong_metrics(board)), "")


def _wrong_cells(board: Board) -> Iterator[str]:
    """Yield what is wrong with ids, seeds and names."""
    if len(board.cells) > MOST_CELLS:
        yield f"it has {len(board.cells):,} cells, at most {MOST_CELLS:,} are read"
        return
    seeds: set[tuple[object, ...]] = set()
    meanings: dict[tuple[str, str, str], tuple[str, Params]] = {}
    for entry in board.cells:
        cell, tried = entry.cell, entry.tried
        if entry.id != cell_id(cell):
            yield f"the id {entry.id[:12]} is not that of its cell ({cell.title})"
        if any(cell.method.params.get(name) != value for name, value in tried.items()):
            yield f"{cell.title} did not try what it says"
        backbone = cell.backbone.name if cell.backbone else ""
        run = (cell.dataset.name, cell.method.name, backbone, repr(sorted(tried.items())))
        if (*run, cell.seed) in seeds:
            yield f"{cell.title} is on it twice"
        seeds.add((*run, cell.seed))
        for noun, reference in (
            ("dataset", cell.dataset), ("method", cell.method), ("backbone", cell.backbone),
        ):  # fmt: skip
            if reference is not None:
                searched = tried if noun == "method" else {}
                params = {n: v for n, v in reference.params.items() if n not in searched}
                meaning = (reference.use, params)
                name = (noun, reference.name, cell.dataset.name)
                if meanings.setdefault(name, meaning) != meaning:
                    yield f"two {noun}s of one table are called '{reference.name}' and differ"


def _wrong_shares(board: Board) -> Iterator[str]:
    """Yield which cells are not on a share of the training documents as they say."""
    for cell in {entry.cell.dataset: entry.cell for entry in board.cells}.values():
        reference = cell.dataset
        if TRAINING_SHARE in reference.params:
            whole = whole_of(reference)
            if at_share(whole, share_of(reference)) != reference or reference == whole:
                yield f"the name of {cell.dataset.name} does not tell its share of training"
            elif not _fits_whole(board, cell):
                yield f"{cell.dataset.name} is no share of a dataset on the board"


def _fits_whole(board: Board, cell: Cell) -> bool:
    """Say whether the whole dataset is on the board, with the same labels and other splits."""
    part, whole = (
        board.datasets.get(reference.name) for reference in (cell.dataset, whole_of(cell.dataset))
    )
    if part is None or whole is None:
        return False
    expected = replace(
        whole, fingerprint=part.fingerprint, baselines=(), warnings=part.warnings,
        documents={**whole.documents, "train": part.documents["train"]},
    )  # fmt: skip
    return part == expected and part.documents["train"] <= whole.documents["train"]


def _wrong_metrics(board: Board) -> Iterator[str]:
    """Yield which value of a plugin stands where readers expect one of the harness."""
    names = [column.name for column in board.plugin_metrics]
    for column in board.plugin_metrics:
        if ours := taken_for(column.name, column.title):
            yield f"a plugin's metric '{column.name}' stands for benchbench's '{ours}'"
    if len(set(names)) < len(names):
        yield "two plugins' metrics have one name"
    given = {name for values in board.values.values() for name in values}
    if unknown := sorted({*given, *board.plugin_evidence} - {*names}):
        yield f"it has values of '{unknown[0]}', which is no metric of a plugin"

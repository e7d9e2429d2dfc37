"""The board that a run freezes: its cells, its datasets, and how it was asked for."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping

from benchbench.cli.selection import Selection
from benchbench.contract import CorpusDescription, LocalPath, Reference
from benchbench.evidence import Board, BoardCell, BoardDataset
from benchbench.machine import published
from benchbench.planning import PlannedCell

ADDRESS = re.compile(r"(--ray-address[ =]|\bray\.address=)\S+")


def board_of_run(
    name: str,
    selection: Selection,
    cells: Iterable[PlannedCell],
    corpora: Mapping[Reference, CorpusDescription],
    words: Iterable[str],
) -> Board:
    """Return the board of planned cells; `words` are those of the command line."""
    tried = selection.expansion.tried
    return Board(
        name,
        published(selection.grid.title),
        tuple(BoardCell(cell.cell, cell.id, cell.key, tried.get(cell.cell, {})) for cell in cells),
        {reference.name: BoardDataset.of(corpus) for reference, corpus in corpora.items()},
        tuple(map(published, selection.expansion.dropped)),
        told_command(words),
        note=published(selection.grid.note),
    )


def told_command(words: Iterable[str]) -> str:
    """Return the command as a board shows it.

    It has no secrets, no address of a cluster, and of a path only the name of the file.
    """
    return ADDRESS.sub(r"\1auto", shlex.join(["benchbench", *map(_told, words)]))


def _told(word: str) -> str:
    if isinstance(LocalPath.of(word), LocalPath):
        return LocalPath.of(word)
    name, equals, value = word.rpartition("=")
    return published(f"{name}{equals}{LocalPath.of(value)}")

"""What of a store no board needs: attempts, predictions, artefacts, training states, temporaries.

Only what benchbench has written is found: each file or folder has a name that only benchbench
gives, and is the one that a record names, or has the content that its name follows from. Links are
neither followed nor removed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchbench.contract import Record
from benchbench.machine import file_digest, folder_digest
from benchbench.records import FINAL, FOLDERS, STATES, Store
from benchbench.upkeep.needed_attempts import Attempts
from benchbench.upkeep.removal import (
    SHA256,
    TEMPORARY_NAME,
    Removal,
    is_file,
    is_folder,
    members,
    temporaries_in,
)

STATE_FILE = re.compile(r"lock|[0-9]+\.json|[0-9]+-[0-9a-f]{64}\.safetensors")
STATE_SECONDS = 24 * 3600.0
"""How long the state of a cell that is on no board stays: its run may have been killed."""


def waste_of(
    store: Store, attempts: Attempts, now: Callable[[], float] = time.time
) -> list[Removal]:
    """Return what no board of the store needs, records first, so that none lacks its files."""
    needed = attempts.needed()
    return [
        *_attempts(store, attempts, needed),
        *_predictions(store, attempts, needed),
        *_artifacts(store, attempts, needed),
        *_states(store, attempts, now()),
        *_temporaries(store),
    ]


def _attempts(store: Store, attempts: Attempts, needed: list[Record]) -> Iterator[Removal]:
    """Yield the records that no board needs."""
    kept = {_name(record) for record in needed}
    if is_folder(store.folder("runs")):
        for record in attempts.all():
            path = store.record_path(record.id, record.key, record.attempt)
            if _name(record) not in kept and is_file(path) and is_folder(path.parent):
                yield Removal.of("attempts", path)


def _name(record: Record) -> tuple[str, str | None, int]:
    return record.id, record.key, record.attempt


def _predictions(store: Store, attempts: Attempts, needed: list[Record]) -> Iterator[Removal]:
    """Yield the predictions of attempts that no board needs, and those of no attempt."""
    kept = {record.predictions for record in needed}
    known = {record.predictions for record in attempts.all()}
    for path in members(store.folder("predictions")):
        ours = path.suffix == ".parquet" and SHA256.fullmatch(path.stem) and is_file(path)
        if (
            ours
            and path.stem not in kept
            and (path.stem in known or file_digest(path) == path.stem)
        ):
            yield Removal.of("predictions", path)


def _artifacts(store: Store, attempts: Attempts, needed: list[Record]) -> Iterator[Removal]:
    """Yield the fitted models of attempts that no board needs, and those of no attempt."""
    kept = {record.artifacts for record in needed}
    known = {record.artifacts for record in attempts.all()}
    for path in members(store.folder("artifacts")):
        if not SHA256.fullmatch(path.name) or path.name in kept or not is_folder(path):
            continue
        if not any(each.is_symlink() for each in path.rglob("*")) and (
            path.name in known or folder_digest(path) == path.name
        ):
            yield Removal.of("artefacts", path)


def _states(store: Store, attempts: Attempts, now: float) -> Iterator[Removal]:
    """Yield the states of trainings that nobody goes on from."""
    on_boards = {entry.id for board in attempts.boards for entry in board.cells}
    for cell in members(store.root / STATES):
        for path in members(cell):
            if not (SHA256.fullmatch(cell.name) and SHA256.fullmatch(path.name)):
                continue
            ended = any(
                record.status in FINAL and record.key == path.name
                for record in attempts.by_cell.get(cell.name, ())
            )
            left = cell.name not in on_boards and now - path.lstat().st_mtime > STATE_SECONDS
            if (ended or left) and _is_state(path):
                yield Removal.of("training states", path)


def _is_state(folder: Path) -> bool:
    """Say whether a folder holds nothing but the files of a training's state."""
    return is_folder(folder) and all(
        is_file(path) and (STATE_FILE.fullmatch(path.name) or TEMPORARY_NAME.fullmatch(path.name))
        for path in members(folder)
    )


def _temporaries(store: Store) -> Iterator[Removal]:
    """Yield what killed processes left in the folders where the store writes."""
    for folder in (store.root, *map(store.folder, FOLDERS), *members(store.folder("runs"))):
        yield from temporaries_in(folder)

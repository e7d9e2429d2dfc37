"""The states of trainings that did not finish: where a store keeps them, and for how long.

<store>/training-states/<cell id>/<key>/
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from benchbench.contract import Record
from benchbench.machine import fsio
from benchbench.records import STATES, Store
from benchbench.running.run_state import warn_once


def state_folder(store: Store, cell: str, key: str | None) -> Path | None:
    """Return the folder of the states of a cell with a key; None where the key is unknown."""
    return store.root / STATES / cell / key if key else None


def remove_states(store: Store, cell: str) -> None:
    """Remove the states of a cell that has finished, also those of keys that it had before."""
    fsio.remove_folder(store.root / STATES / cell)
    fsio.remove_empty_folder(store.root / STATES)


def sweep_states(store: Store) -> None:
    """Remove the states to which nobody has come back for a week."""
    for folder in (store.root / STATES).glob("*/*"):
        with suppress(OSError):  # another process has removed it
            if time.time() - folder.stat().st_mtime > fsio.STALE_FOLDER_SECONDS:
                fsio.remove_folder(folder)
                fsio.remove_empty_folder(folder.parent)


def warn_of_state(record: Record) -> None:
    """Say once why states could not be saved or used."""
    notes = record.provenance.get("training_state", {})
    if fault := notes.get("fault"):
        warn_once(f"the state of a training could not be saved ({fault}); the training went on.")
    for ignored in notes.get("ignored", ()):
        warn_once(f"{ignored}; the training began again.")

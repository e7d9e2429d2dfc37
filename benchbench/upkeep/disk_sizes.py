"""How many bytes files take, without following links."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from benchbench.contract import Record
from benchbench.records import Store


def bytes_below(path: Path) -> int:
    """Return the bytes of a file, or of all files below a folder; 0 where it is gone by now."""
    try:
        status = path.lstat()
    except OSError:
        return 0
    if not stat.S_ISDIR(status.st_mode):
        return status.st_size if stat.S_ISREG(status.st_mode) else 0
    return sum(
        bytes_below(Path(folder, name)) for folder, _, files in os.walk(path) for name in files
    )


def bytes_of_record(store: Store, record: Record) -> int:
    """Return the bytes of an attempt: its record, predictions and artefacts."""
    paths = [store.record_path(record.id, record.key, record.attempt)]
    if record.predictions:
        paths.append(store.folder("predictions") / f"{record.predictions}.parquet")
    if record.artifacts:
        paths.append(store.folder("artifacts") / record.artifacts)
    return sum(map(bytes_below, paths))

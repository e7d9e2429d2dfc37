"""A temporary folder that does not outlive its process, even one that is killed.

The process holds a lock on its folder, which the system frees when the process ends. Whoever makes
the next folder removes those that nobody holds.
"""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchbench.contract import StoreError
from benchbench.machine import fsio

PREFIX = "benchbench-unpacked-"


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder that is removed at the end of the block, or when the next one is made."""
    try:
        _remove_abandoned(Path(tempfile.gettempdir()))
        path, descriptor = _held_folder()
    except OSError as error:
        raise StoreError(f"No temporary folder can be made: {error.strerror}.") from error
    try:
        yield path
    finally:
        fsio.remove_folder(path)
        os.close(descriptor)


def _held_folder() -> tuple[Path, int]:
    """Return a new folder and the descriptor that holds its lock."""
    while True:
        path = Path(tempfile.mkdtemp(prefix=PREFIX))
        with suppress(FileNotFoundError):  # another process removed it before it was locked
            descriptor = os.open(path, os.O_RDONLY)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if path.exists():
                return path, descriptor
            os.close(descriptor)


def _remove_abandoned(parent: Path) -> None:
    """Remove this user's folders that no living process holds."""
    for path in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):  # held by a living process, or removed by another one
            found = path.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
                continue
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                fsio.remove_folder(path)
            finally:
                os.close(descriptor)

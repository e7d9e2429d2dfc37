"""Locks of folders: those who work in one hold it together, who clears it up holds it alone.

The lock is on the folder itself, so that no file is written. The system frees it when the process
ends, however it ends. Some file systems have no locks: those who work there hold nothing, and
nobody can hold such a folder alone.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchbench.contract import StoreError
from benchbench.machine import fsio


@contextmanager
def held_together(folder: Path) -> Iterator[None]:
    """Hold a folder until the end of the block, as others may; wait for one who holds it alone."""
    descriptor = None
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
    try:
        yield
    finally:
        _close(descriptor)


@contextmanager
def held_alone(folder: Path) -> Iterator[None]:
    """Hold a folder alone until the end of the block; raise StoreError where that cannot be."""
    descriptor = None
    try:
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(f"{folder} is in use by a run. Wait until it ends.") from error
        except OSError as error:
            raise StoreError(
                f"{folder} cannot be locked ({fsio.reason_of(error)}), so nobody can tell whether "
                "a run is using it. Delete what you do not need by hand."
            ) from error
        yield
    finally:
        _close(descriptor)


def _close(descriptor: int | None) -> None:
    if descriptor is not None:
        with suppress(OSError):
            os.close(descriptor)

"""Large results that cells share: files that are read in parts, where `cache` reads them whole.

    <cache>/<kind>/<sha256 of the key>/*               the files
                                       entry.json      the key, the seconds they took, checksums

Everything else is as in `cache`: a result is named by what it was made of, may be lost at any
moment, is made again where it is damaged, and is kept only where the disk takes it. An entry that
is removed while its files are open stays readable until its reader closes them.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from benchbench.contract import Json, StoreError
from benchbench.kit.cache import ENTRY, cache_folder, complete_key, timed
from benchbench.machine import (
    CURRENT,
    LOADING,
    Load,
    canonical,
    digest,
    fsio,
    is_device_error,
)

Result = TypeVar("Result")

LEAST_FREE = 0.1
"""The share of a disk that stays free: above all, there must be room for records."""
ABANDONED_SECONDS = 3600.0
"""The age at which files that are not complete were left behind: who makes some writes on."""


def cached_files(
    kind: str, key: Json, make: Callable[[Path], None], read: Callable[[Path], Result],
    *, size: int, most: int,
) -> Result | None:  # fmt: skip
    """Return what `read` makes of the folder that `make` has filled, now or in another cell.

    The arguments are those of `find_files` and `keep_files`. None where nothing could be kept.
    Raises what `make` raises, but no OSError, and errors of the device.
    """
    if (found := find_files(kind, key, read)) is not None:
        return found
    entry = keep_files(kind, key, make, size=size, most=most)
    return None if entry is None else _read(entry, read)


def find_files(kind: str, key: Json, read: Callable[[Path], Result]) -> Result | None:
    """Return what `read` makes of an entry's folder.

    `kind` and `key` are as for `cache.cached`, and a hit adds the seconds that the files once took
    to the cost of the running cell. None where there is no cache and no such entry. One that is
    damaged, or that `read` cannot read, is removed. Raises only errors of the device.
    """
    folder = cache_folder()
    if folder is None:
        return None
    entry = folder / kind / digest(complete_key(key))
    if (seconds := _checked(entry)) is None or (result := _read(entry, read)) is None:
        return None
    if (watch := CURRENT.get()) is not None:
        watch.credit(seconds)
    return result


def keep_files(
    kind: str, key: Json, make: Callable[[Path], None], *, size: int, most: int,
    seconds: float | None = None,
) -> Path | None:  # fmt: skip
    """Keep the files that `make` writes into the folder it is given; return the entry.

    `size` is about how many bytes they have. All entries of a kind together take at most `most`
    bytes: those that were used least recently make room. Nothing is kept, and None returned, where
    there is no cache, where the files would not fit, or where `make` meets an OSError; the running
    cell notes why. `seconds` is what the files took, if that is not what `make` takes.
    """
    folder = cache_folder()
    if folder is None or size > most:
        return None
    key = complete_key(key)
    entry = folder / kind / digest(key)
    try:
        _make_room(fsio.make_folder(entry.parent), size, most)
        _write(entry, {"kind": kind, "key": key}, make, seconds)
    except StoreError as error:
        _note(fsio.reason_of(error.__cause__) if isinstance(error.__cause__, OSError) else error)
    except OSError as error:
        _note(fsio.reason_of(error))
    else:
        return entry
    return None


def load_of_cell() -> Load | None:
    """Return the load that the running cell does; None outside of one.

    Its key is one for files that a backbone makes of its weights. Only weights that are unchanged
    belong to it.
    """
    return LOADING.get()


def _write(entry: Path, facts: Json, make: Callable[[Path], None], seconds: float | None) -> None:
    """Publish an entry, unless another process was first."""
    scratch = fsio.scratch_folder(entry.parent)
    try:
        _, spent = timed(lambda: make(scratch))
        files = {path.name: _facts_of(path) for path in sorted(scratch.iterdir())}
        took = round(spent if seconds is None else seconds, 4)
        facts = {**facts, "seconds": took, "files": files}
        with fsio.store_errors(entry.parent):
            (scratch / ENTRY).write_bytes(canonical({**facts, "sha256": digest(facts)}))
        fsio.publish_folder(scratch, entry)
    finally:
        fsio.remove_folder(scratch)


def _checked(entry: Path) -> float | None:
    """Return the seconds that an entry took, or None. A damaged entry is removed."""
    try:
        facts: dict[str, Any] = json.loads((entry / ENTRY).read_bytes())
        if facts.pop("sha256") != digest(facts) or digest(facts["key"]) != entry.name:
            raise ValueError("damaged, or the result of another key")
        for name, stored in facts["files"].items():
            if _facts_of(entry / name) != stored:
                raise ValueError("damaged")
        return float(facts["seconds"])
    except FileNotFoundError:
        if not entry.exists():
            return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    fsio.remove_folder(entry)
    return None


def _facts_of(path: Path) -> Json:
    """Return the size of a file and its checksum."""
    with path.open("rb") as file:
        return {
            "bytes": path.stat().st_size,
            "sha256": hashlib.file_digest(file, "sha256").hexdigest(),
        }


def _read(entry: Path, read: Callable[[Path], Result]) -> Result | None:
    """Return what `read` makes of an entry; None where it cannot read it, and the entry goes."""
    try:
        os.utime(entry)
        return read(entry)
    except Exception as error:
        if is_device_error(error):
            raise
        if entry.exists():  # else another process has removed it
            fsio.remove_folder(entry)
            _note(f"what was kept cannot be read ({type(error).__name__})")
        return None


def _make_room(folder: Path, size: int, most: int) -> None:
    """Remove the entries that were used least recently, and what a crash has left behind.

    Raises OSError where there would be too little room even then, and removes nothing.
    """
    folders = {path: _Usage.of(path) for path in folder.iterdir()}
    entries = {path: use for path, use in folders.items() if not _is_temporary(path)}
    abandoned = [path for path, use in folders.items() if _is_temporary(path) and use.is_abandoned]
    for path in abandoned:
        fsio.remove_folder(path)
    taken = sum(use.size for path, use in folders.items() if path not in abandoned)
    removable = sum(use.size for use in entries.values())
    disk = shutil.disk_usage(folder)
    spare = disk.free - LEAST_FREE * disk.total
    if spare + removable < size or taken - removable + size > most:
        raise OSError(f"{size >> 20:,} MiB would leave too little of the disk free")
    for path in sorted(entries, key=lambda path: entries[path].used_at):
        if taken + size <= most and spare >= size:
            break
        taken -= entries[path].size
        spare += entries[path].size
        fsio.remove_folder(path)


def _is_temporary(path: Path) -> bool:
    return path.name.startswith(fsio.TEMPORARY)


@dataclass(frozen=True, slots=True)
class _Usage:
    """When a folder was last used and written into, in seconds since 1970, and its bytes."""

    used_at: float = 0.0
    written_at: float = 0.0
    size: int = 0

    @classmethod
    def of(cls, folder: Path) -> _Usage:
        """Read it; all is 0 where another process has removed the folder meanwhile."""
        try:
            used_at, files = folder.stat().st_mtime, [file.stat() for file in folder.iterdir()]
        except FileNotFoundError:
            return cls()
        written_at = max([used_at, *(file.st_mtime for file in files)])
        return cls(used_at, written_at, sum(file.st_size for file in files))

    @property
    def is_abandoned(self) -> bool:
        """Say whether nobody has written into the folder for long."""
        return time.time() - self.written_at > ABANDONED_SECONDS


def _note(reason: object) -> None:
    """Let the running cell's stopwatch note why nothing was kept."""
    if (watch := CURRENT.get()) is not None:
        watch.cache_fault = str(reason)

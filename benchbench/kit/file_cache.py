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
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from benchbench.contract import Json, StoreError
from benchbench.kit.cache import ENTRY, cache_folder, complete_key, timed
from benchbench.machine import CURRENT, LOADING, canonical, digest, fsio

Result = TypeVar("Result")

LEAST_FREE = 0.1
"""The share of a disk that stays free: above all, there must be room for records."""


def cached_files(
    kind: str, key: Json, make: Callable[[Path], None], read: Callable[[Path], Result],
    *, size: int, most: int,
) -> Result | None:  # fmt: skip
    """Return what `read` makes of the folder that `make` has filled, now or in another cell.

    `kind` and `key` are as for `cache.cached`, and a hit adds the seconds that `make` once took to
    the cost of the running cell. `size` and `most` are as for `keep_files`. None where nothing
    could be kept. Raises only what `make` and `read` raise, but no OSError of `make`.
    """
    if (found := find_files(kind, key, read)) is not None:
        result, seconds = found
        if (watch := CURRENT.get()) is not None:
            watch.credit(seconds)
        return result
    keep_files(kind, key, make, size=size, most=most)
    found = find_files(kind, key, read)
    return found[0] if found is not None else None


def find_files(kind: str, key: Json, read: Callable[[Path], Result]) -> tuple[Result, float] | None:
    """Return what `read` makes of an entry's folder, and the seconds that the files once took.

    None where there is no cache, no such entry, or a damaged one, which is removed. Raises only
    what `read` raises, but no FileNotFoundError: another process may have removed the entry.
    """
    folder = cache_folder()
    if folder is None:
        return None
    entry = folder / kind / digest(complete_key(key))
    if (seconds := _checked(entry)) is None:
        return None
    with suppress(FileNotFoundError):
        os.utime(entry)
        return read(entry), seconds
    return None


def keep_files(
    kind: str, key: Json, make: Callable[[Path], None], *, size: int, most: int,
    seconds: float | None = None,
) -> None:  # fmt: skip
    """Keep the files that `make` writes into the folder it is given.

    `size` is about how many bytes they have. All entries of a kind together take at most `most`
    bytes: those that were used least recently make room. Nothing is kept where there is no cache,
    where the files would not fit, or where `make` meets an OSError; the running cell notes why.
    `seconds` is what the files took, if that is not what `make` takes.
    """
    folder = cache_folder()
    if folder is None or size > most:
        return
    key = complete_key(key)
    entry = folder / kind / digest(key)
    try:
        _make_room(fsio.make_folder(entry.parent), size, most)
        _write(entry, {"kind": kind, "key": key}, make, seconds)
    except (OSError, StoreError) as error:
        _note(error)


def key_of_load() -> Json | None:
    """Return what decides the model that a cell is loading: its weights and its plugin's code.

    It is a key for files that a backbone makes of its weights. None outside of a cell's load.
    """
    decisive = LOADING.get()
    return None if decisive is None else decisive()


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


def _make_room(folder: Path, size: int, most: int) -> None:
    """Remove the entries that were used least recently.

    Raises OSError where the disk would be too full even then.
    """
    entries = {
        path: (_used_at(path), _size_of(path))
        for path in folder.iterdir()
        if not path.name.startswith(fsio.TEMPORARY)
    }
    taken = sum(bytes_ for _, bytes_ in entries.values())
    for path in sorted(entries, key=lambda path: entries[path]):
        if taken + size <= most:
            break
        taken -= entries[path][1]
        fsio.remove_folder(path)
    disk = shutil.disk_usage(folder)
    if disk.free - size < LEAST_FREE * disk.total:
        raise OSError(f"{size >> 20:,} MiB would leave too little of the disk free")


def _used_at(entry: Path) -> float:
    """Return when an entry was last used, 0 where another process has removed it."""
    try:
        return entry.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _size_of(entry: Path) -> int:
    """Return the bytes of an entry, 0 where another process has removed it."""
    try:
        return sum(file.stat().st_size for file in entry.iterdir())
    except FileNotFoundError:
        return 0


def _note(error: OSError | StoreError) -> None:
    """Let the running cell's stopwatch note why nothing was kept."""
    if (watch := CURRENT.get()) is not None:
        cause = error.__cause__ if isinstance(error, StoreError) else error
        watch.cache_fault = fsio.reason_of(cause) if isinstance(cause, OSError) else str(error)

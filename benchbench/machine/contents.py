"""What the files of a cached folder hold: a manifest beside them has each one's size and hash.

It finds damage and careless changes: bad disks, cut and edited files. The hash is XXH3 with 128
bits, which reads 4 GB per second, so that a check costs little beside the reading itself. It is
no signature: who may write to the folder can write a fitting manifest too. Other users are kept
out by `open_private`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchbench.machine import fsio
from benchbench.machine.digests import canonical, digest

CONTENTS = "contents.json"
PIECE = 2**17
"""Bytes that are read at once. They stay in a processor's cache between reading and hashing."""

Stamp = tuple[tuple[str, int, int, int], ...]
"""Name, size, inode and time of the last change of each file."""


def write_contents(folder: Path, names: Iterable[str]) -> None:
    """Write the manifest of files that are complete. Raises StoreError."""
    with fsio.store_errors(folder):
        files = {name: _content(folder / name) for name in names}
    manifest = {"files": files}
    fsio.replace(folder / CONTENTS, canonical({**manifest, "sha256": digest(manifest)}))


def content_fault(folder: Path, names: Iterable[str]) -> str:
    """Return what is wrong with the files, compared with their manifest; empty if nothing is.

    `names` are all the files that the manifest must list.
    """
    try:
        manifest = json.loads((folder / CONTENTS).read_bytes())
        checksum = manifest.pop("sha256")
        files: Mapping[str, Any] = manifest["files"]
        if checksum != digest(manifest) or set(files) != set(names):
            return _changed(CONTENTS)
        changed = next((name for name in files if _content(folder / name) != files[name]), "")
        return _changed(changed) if changed else ""
    except OSError as error:
        name = Path(error.filename or folder).name
        return f"{name} cannot be read: {fsio.reason_of(error)}"
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return _changed(CONTENTS)


def _changed(name: str) -> str:
    return f"{name} was changed after it was written"


def stamp(folder: Path, names: Iterable[str]) -> Stamp:
    """Return what shows a change of the files without reading them; empty if one is missing.

    The time is that of the last change of any kind, which no program can set.
    """
    try:
        states = [(name, (folder / name).stat()) for name in (*names, CONTENTS)]
    except OSError:
        return ()
    return tuple((name, at.st_size, at.st_ino, at.st_ctime_ns) for name, at in states)


def file_names(folder: Path) -> list[str]:
    """Return the paths of all files below a folder but its manifest."""
    paths = (path for path in folder.rglob("*") if not path.is_dir())
    names = (path.relative_to(folder).as_posix() for path in paths)
    return sorted(name for name in names if name != CONTENTS)


def _content(path: Path) -> dict[str, str | int]:
    """Return the size and the hash of a file."""
    from xxhash import xxh3_128

    hasher, size, piece = xxh3_128(), 0, memoryview(bytearray(PIECE))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(piece):
            hasher.update(piece[:count])
            size += count
    return {"bytes": size, "xxh3_128": hasher.hexdigest()}

"""Results that cells share: found by what they were made of, and safe to lose at any moment.

<cache>/<kind>/<sha256 of the key>/ holds `data.arrow`, and `entry.json` with the key, what it
once took to make the data, and the checksums that show damage. Entries are read whole, so one
may be deleted while it is in use; a cache that cannot be read or written is merely of no help.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.contract import Json, StoreError
from benchbench.machine import (
    CURRENT,
    canonical,
    digest,
    execution_digest,
    fsio,
    package_versions,
    processor_name,
)

if TYPE_CHECKING:
    import pyarrow as pa

DATA = "data.arrow"
ENTRY = "entry.json"
_FOLDER: ContextVar[Path | None] = ContextVar("cache", default=None)


@contextmanager
def using(folder: Path | None) -> Iterator[None]:
    """Keep what is `cached` in a folder until the end of the block; None: keep nothing.

    The harness does so around `fit` and prediction. Without it nothing is read or kept.
    """
    token = _FOLDER.set(folder)
    try:
        yield
    finally:
        _FOLDER.reset(token)


def in_use() -> bool:
    """Say whether there is a cache: where there is none, no key need be computed."""
    return _FOLDER.get() is not None


def cached(kind: str, key: Json, make: Callable[[], pa.Table]) -> pa.Table:
    """Return the Arrow table that `make` returns, or returned once for the same key.

    `key` is plain data and must hold all that decides the table, your own code included; the
    kit's code and the versions of packages are added to it. `kind` names a folder. A hit adds
    the seconds that `make` once took to the cost of the running cell. Whatever ails the cache,
    `make` is called; only what it raises is raised.
    """
    folder = _FOLDER.get()
    if folder is None:
        return make()
    key = {**key, "core": execution_digest(), "packages": dict(package_versions())}
    entry = folder / kind / digest(key)
    found = _read(entry)
    if found is not None:
        table, seconds = found
        if (watch := CURRENT.get()) is not None:
            watch.credit(seconds)
        return table
    table, seconds = _timed(make)
    _write(entry, table, {"kind": kind, "key": key, "seconds": round(seconds, 4)})
    return table


def digest_of(parts: Iterable[bytes]) -> str:
    """Return the sha256 of byte strings, which knows where each of them ends."""
    found = hashlib.sha256()
    for part in parts:
        found.update(len(part).to_bytes(8, "big"))
        found.update(part)
    return found.hexdigest()


def arithmetic() -> Json:
    """Return what the last bits of float results depend on: belongs in the keys of such."""
    import torch

    return {"processor": processor_name(), "threads": torch.get_num_threads()}


def _timed(make: Callable[[], pa.Table]) -> tuple[pa.Table, float]:
    """Return what was made and the seconds of it, those that a cache saved included."""
    watch = CURRENT.get()
    credited = watch.credited if watch else 0.0
    start = time.monotonic()
    table = make()
    spent = time.monotonic() - start
    return table, spent + (watch.credited - credited if watch else 0.0)


def _read(entry: Path) -> tuple[pa.Table, float] | None:
    """Return an entry's table and seconds, or None; a damaged one makes room for a new one."""
    import pyarrow as pa

    try:
        told: dict[str, Any] = json.loads((entry / ENTRY).read_bytes())
        data = (entry / DATA).read_bytes()
        if told.pop("sha256") != digest(told) or told["data"] != _sha256(data):
            raise ValueError("damaged")
        with pa.ipc.open_file(pa.py_buffer(data)) as reader:
            return reader.read_all(), float(told["seconds"])
    except FileNotFoundError:
        if not entry.exists():
            return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, pa.ArrowException):
        pass
    fsio.remove_folder(entry)
    return None


def _write(entry: Path, table: pa.Table, told: Json) -> None:
    """Publish an entry unless another process was first, or the disk will have none."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    data = sink.getvalue().to_pybytes()
    told = {**told, "data": _sha256(data)}
    with suppress(OSError, StoreError):
        scratch = fsio.scratch_folder(fsio.make_folder(entry.parent))
        try:
            (scratch / DATA).write_bytes(data)
            (scratch / ENTRY).write_bytes(canonical({**told, "sha256": digest(told)}))
            fsio.publish_folder(scratch, entry)
        finally:
            fsio.remove_folder(scratch)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

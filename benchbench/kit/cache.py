"""Results that cells share. Each is named by what it was made of, and may be lost at any moment.

    <cache>/<kind>/<sha256 of the key>/data.arrow      the result
                                       entry.json      the key, the seconds it took, checksums

An entry is read whole, so it may be deleted while it is in use. A damaged entry is made again.
Cache errors never reach your code: where a cache cannot be read or written, nothing is cached. The
running cell's stopwatch notes why.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

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

Result = TypeVar("Result")

DATA = "data.arrow"
ENTRY = "entry.json"
_FOLDER: ContextVar[Path | None] = ContextVar("cache", default=None)


@contextmanager
def enabled(folder: Path | None) -> Iterator[None]:
    """Let `cached` read and write a folder until the end of the block; None switches it off.

    The harness does this around `fit` and prediction. Outside such a block nothing is cached.

    >>> with enabled(Path("cache")):
    ...     is_enabled()
    True
    >>> is_enabled()
    False
    """
    token = _FOLDER.set(folder)
    try:
        yield
    finally:
        _FOLDER.reset(token)


def is_enabled() -> bool:
    """Say whether there is a cache; where there is none, no key needs to be computed."""
    return _FOLDER.get() is not None


def cached(kind: str, key: Json, make: Callable[[], pa.Table]) -> pa.Table:
    """Return the Arrow table that `make` returns, or that it returned before for the same key.

    `kind` names a folder. `key` is plain data and must hold everything that decides the table,
    your own code included; the kit's code and the versions of packages are added to it. A hit
    adds the seconds that `make` once took to the cost of the running cell. Where the cache fails,
    `make` is called. Raises only what `make` raises.
    """
    folder = _FOLDER.get()
    if folder is None:
        return make()
    key = complete_key(key)
    entry = folder / kind / digest(key)
    if (stored := _read(entry)) is not None:
        table, seconds = stored
        if (watch := CURRENT.get()) is not None:
            watch.credit(seconds)
        return table
    table, seconds = timed(make)
    _write(entry, table, {"kind": kind, "key": key, "seconds": round(seconds, 4)})
    return table


def cache_folder() -> Path | None:
    """Return where results are kept; None where there is no cache."""
    return _FOLDER.get()


def complete_key(key: Json) -> Json:
    """Return a key with all that decides a result beside what its caller knows of."""
    return {**key, "core": execution_digest(), "packages": dict(package_versions())}


def digest_of(parts: Iterable[bytes]) -> str:
    """Return the sha256 of byte strings and their lengths, so that it shows where each one ends.

    >>> digest_of([b"ab", b"c"]) == digest_of([b"a", b"bc"])
    False
    """
    sha256 = hashlib.sha256()
    for part in parts:
        sha256.update(len(part).to_bytes(8, "big"))
        sha256.update(part)
    return sha256.hexdigest()


def arithmetic() -> Json:
    """Return what the last bits of float results depend on: put it into the key of such results."""
    import torch

    return {"processor": processor_name(), "threads": torch.get_num_threads()}


def timed(make: Callable[[], Result]) -> tuple[Result, float]:
    """Return what was made and how long it took, with the seconds that cache hits saved."""
    watch = CURRENT.get()
    credited = watch.credited if watch else 0.0
    start = time.monotonic()
    result = make()
    spent = time.monotonic() - start
    return result, spent + (watch.credited - credited if watch else 0.0)


def _read(entry: Path) -> tuple[pa.Table, float] | None:
    """Return an entry's table and seconds, or None. A damaged entry is removed."""
    import pyarrow as pa

    try:
        facts: dict[str, Any] = json.loads((entry / ENTRY).read_bytes())
        data = (entry / DATA).read_bytes()
        if facts.pop("sha256") != digest(facts) or facts["data"] != _sha256(data):
            raise ValueError("damaged")
        if digest(facts["key"]) != entry.name:
            raise ValueError("the result of another key")
        with pa.ipc.open_file(pa.py_buffer(data)) as reader:
            return reader.read_all(), float(facts["seconds"])
    except FileNotFoundError:
        with suppress(OSError):
            if not entry.exists():
                return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, pa.ArrowException):
        pass
    fsio.remove_folder(entry)
    return None


def _write(entry: Path, table: pa.Table, facts: Json) -> None:
    """Publish an entry, unless another process was first or the disk refuses it."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    data = sink.getvalue().to_pybytes()
    facts = {**facts, "data": _sha256(data)}
    try:
        scratch = fsio.scratch_folder(fsio.make_folder(entry.parent))
        try:
            with fsio.store_errors(entry.parent):
                (scratch / DATA).write_bytes(data)
                (scratch / ENTRY).write_bytes(canonical({**facts, "sha256": digest(facts)}))
            fsio.publish_folder(scratch, entry)
        finally:
            fsio.remove_folder(scratch)
    except StoreError as error:
        if (watch := CURRENT.get()) is not None:
            cause = error.__cause__
            watch.cache_fault = fsio.reason_of(cause) if isinstance(cause, OSError) else str(error)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

"""The store: a folder with one JSON record per attempt. The first writer of a file wins.

runs/<cell id>/<key | unresolved>-<attempt>.json
predictions/<sha256>.parquet        named by content, so that two writers cannot mix their files
artifacts/<sha256>/                 named by content, too
datasets/<fingerprint>.json  boards/<name>.json  evidence/<name>.json  leaderboards/<name>.md
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from benchbench.contract import Json, Record, StoreError
from benchbench.machine import NotRegular, WrongForm, fsio, read_as, read_regular
from benchbench.records.documents import MOST_BYTES, read_sealed, sealed, unsealed
from benchbench.records.identity import cell_id, key_of

Value = TypeVar("Value")
FOLDERS = ("runs", "predictions", "artifacts", "datasets", "boards", "evidence", "leaderboards")
STATES = "training-states"
"""The folder of a store for the states of trainings that did not finish."""
FINAL = ("ok", "diverged")
"""The ends after which a cell does not go on from its state. Any other one may be chance."""
UNRESOLVED = "unresolved"
RECORD_NAME = re.compile(r"(?P<key>[0-9a-f]{64}|unresolved)-(?P<attempt>[1-9][0-9]*)\.json")
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


class Unreadable(StoreError):
    """The operating system cannot read a file, whose content may be intact."""


@dataclass(frozen=True, slots=True)
class Store:
    """A store's folder. Reading it imports nothing and runs nothing that a record names."""

    root: Path

    def folder(self, name: str) -> Path:
        """Return one of the store's folders."""
        return self.root / name

    def record_path(self, cell: str, key: str | None, attempt: int) -> Path:
        """Return the path of an attempt's record."""
        return self.root / "runs" / cell / f"{key or UNRESOLVED}-{attempt}.json"


def open_store(root: Path) -> Store:
    """Return a store to write to; raise StoreError at once where it cannot be written."""
    root = root.absolute()  # a plugin may change the folder of the process
    for folder in (root, *(root / name for name in FOLDERS)):
        fsio.make_folder(folder)
    fsio.check_writable(root)
    fsio.sweep(root)
    return Store(root)


def existing_store(root: Path) -> Store:
    """Return a store to read; raise StoreError where there is none."""
    if not (root / "runs").is_dir():
        raise StoreError(
            f"{root} is not a store: it has no folder 'runs'. Name a store with --store, "
            "or make one with 'benchbench run'."
        )
    return Store(root.absolute())


def records_of(store: Store, cell: str) -> list[Record]:
    """Return the intact records of a cell, in order of attempt; set corrupt records aside."""
    records = []
    for path in _listed(store.root / "runs" / cell):
        if RECORD_NAME.fullmatch(path.name) and path.is_file():
            record = _read_or_set_aside(path)
            if record is not None:
                records.append(record)
    return sorted(records, key=lambda record: (record.attempt, record.key or ""))


def all_records(store: Store) -> list[Record]:
    """Return every intact record of the store."""
    cells = _listed(store.root / "runs")
    return [record for cell in cells for record in records_of(store, cell.name)]


def records_in(store: Store) -> Iterator[tuple[Path, Record | StoreError]]:
    """Yield every record's file with the record, or with the error; nothing is moved."""
    for path in sorted((store.root / "runs").glob("*/*.json")):
        if RECORD_NAME.fullmatch(path.name):
            try:
                yield path, read_record(path)
            except StoreError as error:
                yield path, error


def corrupt_records(store: Store) -> int:
    """Count the records that were set aside as corrupt."""
    return sum(1 for _ in store.root.glob("runs/*/*.bad*"))


def record_that_counts(records: Iterable[Record], key: str | None) -> Record | None:
    """Return the attempt that counts for a key: the last one that is ok, else the last one."""
    attempts = [record for record in records if record.key == key]
    good = [record for record in attempts if record.status == "ok"]
    candidates = good or attempts
    return candidates[-1] if candidates else None


def encode(record: Record) -> bytes:
    """Return a record's bytes: canonical JSON that carries its own sha256."""
    return sealed(asdict(record))


def decode(data: bytes, where: str) -> Record:
    """Return the record in `data`; raise StoreError where any byte was changed.

    The checksum, the key and the cell's id must all follow from the content.
    """
    content = unsealed(data, where)
    try:
        record = read_as(Record, content)
    except WrongForm as error:
        raise StoreError(f"{where} is not a record: {error}.") from error
    if record.id != cell_id(record.cell):
        raise StoreError(f"{where} names a cell id that does not follow from its cell.")
    if record.key is not None and record.key != key_of(record.identity):
        raise StoreError(f"{where} names a key that does not follow from its identity block.")
    return record


def read_record(path: Path) -> Record:
    """Read one record; raise StoreError where it is corrupt or has another record's name."""
    try:
        data = read_regular(path, MOST_BYTES)
    except NotRegular as error:
        raise StoreError(f"{path} is not a record: {error.strerror}.") from error
    except OSError as error:
        kind = StoreError if error.errno == errno.EFBIG else Unreadable
        raise kind(f"{path} cannot be read: {error.strerror}.") from error
    record = decode(data, str(path))
    name = f"{record.key or UNRESOLVED}-{record.attempt}.json"
    if path.name != name or path.parent.name != record.id:
        raise StoreError(f"{path} holds the record of another cell or attempt: {name}.")
    return record


def write_json(store: Store, folder: str, name: str, data: Json) -> None:
    """Write a board, its evidence or a dataset's description; replace an older file."""
    fsio.replace(_json_path(store, folder, name), sealed(data))


def read_json(store: Store, folder: str, name: str) -> dict[str, Any]:
    """Read what `write_json` wrote; raise StoreError where it is missing or corrupt."""
    path = _json_path(store, folder, name)
    try:
        return read_sealed(path)
    except FileNotFoundError as error:
        names = ", ".join(list_names(store, folder)) or "none"
        raise StoreError(f"{path} does not exist. Known in {folder}: {names}.") from error
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}.") from error


def read_typed(store: Store, folder: str, name: str, form: type[Value]) -> Value:
    """Return a document as a value of the dataclass `form`; raise StoreError where it is none."""
    data = read_json(store, folder, name)
    try:
        return read_as(form, data)
    except WrongForm as error:
        raise StoreError(
            f"{folder}/{name}.json: {error}. Run its grid again if another version of benchbench "
            "wrote it."
        ) from error


def list_names(store: Store, folder: str) -> list[str]:
    """Return the names of the JSON files in a folder, without their ending."""
    return sorted(path.stem for path in store.folder(folder).glob("*.json"))


def check_name(name: str) -> str:
    """Return a board's name; raise StoreError unless it is safe as a file's name."""
    if not NAME.fullmatch(name):
        raise StoreError(
            f"'{name}' cannot name a board: use lowercase letters, digits, '.', '_' and '-'."
        )
    return name


def _json_path(store: Store, folder: str, name: str) -> Path:
    return store.folder(folder) / f"{check_name(name)}.json"


def _listed(folder: Path) -> list[Path]:
    """Return what is in a folder, in order; nothing where there is none. Raises Unreadable."""
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise Unreadable(f"{folder} cannot be read: {error.strerror}.") from error


def _read_or_set_aside(path: Path) -> Record | None:
    try:
        return read_record(path)
    except Unreadable:
        if path.exists():
            raise
        return None  # another process has just set it aside
    except StoreError:
        with suppress(StoreError):  # in a read-only store it stays
            fsio.set_aside(path)
        return None

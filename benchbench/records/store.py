"""The store: a folder with one JSON record per attempt. The first writer of a file wins.

runs/<cell id>/<key | unresolved>-<attempt>.json
predictions/<sha256>.parquet        named by content, so that two writers cannot mix their files
artifacts/<sha256>/                 named by content, too
datasets/<fingerprint>.json  boards/<name>.json  evidence/<name>.json  leaderboards/<name>.md
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, get_args

from benchbench.contract import Cell, Json, Outcome, Record, Status, StoreError
from benchbench.machine import canonical, digest, fsio
from benchbench.records.identity import cell_id, key_of

Value = TypeVar("Value")
FOLDERS = ("runs", "predictions", "artifacts", "datasets", "boards", "evidence", "leaderboards")
UNRESOLVED = "unresolved"
RECORD_NAME = re.compile(r"(?P<key>[0-9a-f]{64}|unresolved)-(?P<attempt>[1-9][0-9]*)\.json")
SHA256 = re.compile(r"[0-9a-f]{64}")
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
    return Store(root)


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


def publish(store: Store, outcome: Outcome) -> Record:
    """Move an outcome into the store: artefacts, predictions, record, in that order.

    Returns the record that is in the store: another process may have been first with this attempt.
    """
    record = outcome.record
    if record.artifacts:
        fsio.publish_folder(
            outcome.folder / "artifacts", store.folder("artifacts") / record.artifacts
        )
    if record.predictions:
        fsio.publish_file(
            outcome.folder / "predictions.parquet",
            store.folder("predictions") / f"{record.predictions}.parquet",
        )
    while True:
        record = replace(record, attempt=_next_attempt(store, record))
        path = store.record_path(record.id, record.key, record.attempt)
        fsio.make_folder(path.parent)
        if fsio.write_new(path, encode(record)):
            return record
        first = _read_or_set_aside(path)
        if first is not None and (first.status == "ok" or record.status != "ok"):
            return first
        # a result must not be lost to the failure of another process: take the next attempt


def encode(record: Record) -> bytes:
    """Return a record's bytes: canonical JSON that carries its own sha256."""
    data = asdict(record)
    return canonical(data | {"sha256": digest(data)})


def decode(data: bytes, where: str) -> Record:
    """Return the record in `data`; raise StoreError where any byte was changed.

    The checksum, the key and the cell's id must all follow from the content.
    """
    try:
        content: dict[str, Any] = json.loads(data)
        checksum = content.pop("sha256")
        intact = checksum == digest(content) and data == canonical(content | {"sha256": checksum})
        content.pop("metrics", None)  # version 0.1.0 stored them; now predictions give them
        cell = Cell.from_json(content.pop("cell"))
        record = Record(cell=cell, curve=tuple(content.pop("curve")), **content)
        expected_id, expected_key = cell_id(cell), key_of(record.identity)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise StoreError(f"{where} is not a record: {error}.") from error
    if not intact:
        raise StoreError(f"{where} does not match its own checksum: it was changed or cut short.")
    if fault := _misshapen(record):
        raise StoreError(f"{where} is not a record: {fault}.")
    if record.id != expected_id:
        raise StoreError(f"{where} names a cell id that does not follow from its cell.")
    if record.key is not None and record.key != expected_key:
        raise StoreError(f"{where} names a key that does not follow from its identity block.")
    return record


def read_record(path: Path) -> Record:
    """Read one record; raise StoreError where it is corrupt or has another record's name."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}.") from error
    record = decode(data, str(path))
    name = f"{record.key or UNRESOLVED}-{record.attempt}.json"
    if path.name != name or path.parent.name != record.id:
        raise StoreError(f"{path} holds the record of another cell or attempt: {name}.")
    return record


def write_json(store: Store, folder: str, name: str, data: Json) -> None:
    """Write a board, its evidence or a dataset's description; replace an older file."""
    fsio.replace(_json_path(store, folder, name), json_bytes(data))


def json_bytes(data: Json) -> bytes:
    """Return the bytes of a JSON file: canonical JSON that carries its own sha256."""
    return canonical({**data, "sha256": digest(data)})


def read_json(store: Store, folder: str, name: str) -> dict[str, Any]:
    """Read what `write_json` wrote; raise StoreError where it is missing or corrupt."""
    path = _json_path(store, folder, name)
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
        intact = content.pop("sha256") == digest(content)
    except FileNotFoundError as error:
        names = ", ".join(list_names(store, folder)) or "none"
        raise StoreError(f"{path} does not exist. Known in {folder}: {names}.") from error
    except (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError) as error:
        raise StoreError(f"{path} cannot be read: {error}.") from error
    if not intact:
        raise StoreError(f"{path} does not match its own checksum: it was changed or cut short.")
    return content


def read_typed(store: Store, folder: str, name: str, from_json: Callable[[Json], Value]) -> Value:
    """Return the value that `from_json` makes of a document; raise StoreError where it cannot."""
    data = read_json(store, folder, name)
    try:
        return from_json(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(
            f"{folder}/{name}.json in {store.root} has a form that this version of benchbench "
            f"cannot read: {error!r}. Run its grid again."
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


def _next_attempt(store: Store, record: Record) -> int:
    taken = [
        int(match["attempt"])
        for path in _listed(store.root / "runs" / record.id)
        if (match := RECORD_NAME.fullmatch(path.name))
        and match["key"] == (record.key or UNRESOLVED)
    ]
    return max(taken, default=0) + 1


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


def _misshapen(record: Record) -> str:
    """Return which field has a wrong form, or an empty text; readers rely on these forms."""
    for name in ("predictions", "artifacts"):
        value = getattr(record, name)
        if value is not None and not (isinstance(value, str) and SHA256.fullmatch(value)):
            return f"the field '{name}' is not a sha256"
    for name in ("identity", "facts", "guards", "cost", "provenance"):
        if not isinstance(getattr(record, name), dict):
            return f"the field '{name}' is not a table of names and values"
    cell = record.cell
    for reference in filter(None, (cell.dataset, cell.method, cell.backbone)):
        if not isinstance(reference.use, str) or not isinstance(reference.name, str):
            return "its cell has a name that is not a text"
    if record.status not in get_args(Status) or not isinstance(record.reason, str):
        return "its status is unknown"
    if type(record.attempt) is not int or type(cell.seed) is not int:
        return "its attempt or seed is not a whole number"
    if not all(map(_is_cost, record.cost.values())):
        return "a cost is not a number"
    return ""


def _is_cost(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))

"""The folder that holds what was found: one JSON record an attempt, the first writer wins.

runs/<cell id>/<key | unresolved>-<attempt>.json
predictions/<sha256>.parquet        named by content, so that two writers cannot mix theirs
artifacts/<sha256>/                 likewise
datasets/<fingerprint>.json  boards/<name>.json  evidence/<name>.json  leaderboards/<name>.md
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, get_args

from benchbench.contract import Cell, Json, Outcome, Record, Status, StoreError
from benchbench.machine import canonical, digest, fsio
from benchbench.records.identity import cell_id, key_of

FOLDERS = ("runs", "predictions", "artifacts", "datasets", "boards", "evidence", "leaderboards")
UNRESOLVED = "unresolved"
RECORD_NAME = re.compile(r"(?P<key>[0-9a-f]{64}|unresolved)-(?P<attempt>[1-9][0-9]*)\.json")
SHA256 = re.compile(r"[0-9a-f]{64}")
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


class Unreadable(StoreError):
    """The system does not hand out a file's bytes: that says nothing against the bytes."""


@dataclass(frozen=True, slots=True)
class Store:
    """A store's folder. Reading it imports nothing and runs nothing that a record names."""

    root: Path

    def folder(self, name: str) -> Path:
        """Return one of the store's folders."""
        return self.root / name

    def record_path(self, cell: str, key: str | None, attempt: int) -> Path:
        """Return where the record of an attempt stands."""
        return self.root / "runs" / cell / f"{key or UNRESOLVED}-{attempt}.json"


def open_store(root: Path) -> Store:
    """Return a store to write to; raise StoreError before anything is spent if it cannot be."""
    for folder in (root, *(root / name for name in FOLDERS)):
        fsio.make_folder(folder)
    fsio.check_writable(root)
    fsio.sweep(root)
    return Store(root)


def existing_store(root: Path) -> Store:
    """Return a store to read; raise StoreError where there is none."""
    if not (root / "runs").is_dir():
        raise StoreError(
            f"{root} is no store: it has no folder 'runs'. Name one with --store, "
            "or make one with 'benchbench run'."
        )
    return Store(root)


def records_of(store: Store, cell: str) -> list[Record]:
    """Return the sound records of a cell, in order of attempt; set corrupt ones aside."""
    folder = store.root / "runs" / cell
    if not folder.is_dir():
        return []
    found = []
    for path in sorted(folder.iterdir()):
        if RECORD_NAME.fullmatch(path.name) and path.is_file():
            record = _read_or_set_aside(path)
            if record is not None:
                found.append(record)
    return sorted(found, key=lambda record: (record.attempt, record.key or ""))


def all_records(store: Store) -> list[Record]:
    """Return every sound record of the store."""
    runs = store.root / "runs"
    return [record for cell in sorted(runs.iterdir()) for record in records_of(store, cell.name)]


def records_in(store: Store) -> Iterator[tuple[Path, Record | StoreError]]:
    """Yield every record's file with what it holds, or why it cannot be read; nothing is moved."""
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
    """Return the attempt that counts for a key: the last ok one, else the last one."""
    attempts = [record for record in records if record.key == key]
    good = [record for record in attempts if record.status == "ok"]
    candidates = good or attempts
    return candidates[-1] if candidates else None


def publish(store: Store, outcome: Outcome) -> Record:
    """Move an outcome into the store: artefacts, predictions, record, in that order.

    Returns the record that stands: another process may have been first with this attempt.
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
            return first  # but a result is not lost to another's failure


def encode(record: Record) -> bytes:
    """Return a record's bytes: canonical JSON that carries its own sha256."""
    data = asdict(record)
    return canonical(data | {"sha256": digest(data)})


def decode(data: bytes, where: str) -> Record:
    """Return the record in `data`; raise StoreError where a byte of it was changed.

    The checksum, the key and the cell's id must all follow from the content.
    """
    try:
        content: dict[str, Any] = json.loads(data)
        checksum = content.pop("sha256")
        sound = checksum == digest(content) and data == canonical(content | {"sha256": checksum})
        content.pop("metrics", None)  # version 0.1.0 kept them; now predictions say them
        cell = Cell.from_json(content.pop("cell"))
        record = Record(cell=cell, curve=tuple(content.pop("curve")), **content)
        expected_id, expected_key = cell_id(cell), key_of(record.identity)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise StoreError(f"{where} is not a record: {error}.") from error
    if not sound:
        raise StoreError(f"{where} does not match its own checksum: it was changed or cut short.")
    if fault := _misshapen(record):
        raise StoreError(f"{where} is not a record: {fault}.")
    if record.id != expected_id:
        raise StoreError(f"{where} names a cell id that does not follow from its cell.")
    if record.key is not None and record.key != expected_key:
        raise StoreError(f"{where} names a key that does not follow from its identity block.")
    return record


def read_record(path: Path) -> Record:
    """Read one record; raise StoreError where it is corrupt or stands under another's name."""
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
    """Write a board, its evidence or a dataset's description, replacing what stood there."""
    fsio.replace(_document(store, folder, name), json_bytes(data))


def json_bytes(data: Json) -> bytes:
    """Return a document's bytes: canonical JSON that carries its own sha256."""
    return canonical({**data, "sha256": digest(data)})


def read_json(store: Store, folder: str, name: str) -> dict[str, Any]:
    """Read a board or a dataset's description; raise StoreError where absent or corrupt."""
    path = _document(store, folder, name)
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
        sound = content.pop("sha256") == digest(content)
    except FileNotFoundError as error:
        there = ", ".join(list_names(store, folder)) or "none"
        raise StoreError(f"{path} is not there. Known in {folder}: {there}.") from error
    except (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError) as error:
        raise StoreError(f"{path} cannot be read: {error}.") from error
    if not sound:
        raise StoreError(f"{path} does not match its own checksum: it was changed or cut short.")
    return content


def list_names(store: Store, folder: str) -> list[str]:
    """Return the names of the documents in a folder."""
    return sorted(path.stem for path in store.folder(folder).glob("*.json"))


def check_name(name: str) -> str:
    """Return a board's name; raise StoreError unless it is safe as a file's name."""
    if not NAME.fullmatch(name):
        raise StoreError(
            f"'{name}' cannot name a board: use small letters, digits, '.', '_' and '-'."
        )
    return name


def _document(store: Store, folder: str, name: str) -> Path:
    return store.folder(folder) / f"{check_name(name)}.json"


def _next_attempt(store: Store, record: Record) -> int:
    folder = store.root / "runs" / record.id
    taken = [
        int(match["attempt"])
        for path in (folder.iterdir() if folder.is_dir() else ())
        if (match := RECORD_NAME.fullmatch(path.name))
        and match["key"] == (record.key or UNRESOLVED)
    ]
    return max(taken, default=0) + 1


def _read_or_set_aside(path: Path) -> Record | None:
    try:
        return read_record(path)
    except Unreadable:
        if path.exists():
            raise
        return None  # another process has just set it aside
    except StoreError:
        with suppress(StoreError):  # where only reading is allowed it stays
            fsio.set_aside(path)
        return None


def _misshapen(record: Record) -> str:
    """Name a field of the wrong form: whoever reads records may rely on their forms."""
    for name in ("predictions", "artifacts"):
        value = getattr(record, name)
        if value is not None and not (isinstance(value, str) and SHA256.fullmatch(value)):
            return f"its {name} are not named by a sha256"
    for name in ("identity", "facts", "guards", "cost", "provenance"):
        if not isinstance(getattr(record, name), dict):
            return f"its {name} are not names and values"
    cell = record.cell
    for noun in filter(None, (cell.dataset, cell.method, cell.backbone)):
        if not isinstance(noun.use, str) or not isinstance(noun.name, str):
            return "its cell has a name that is no text"
    if record.status not in get_args(Status) or not isinstance(record.reason, str):
        return "its status is unknown"
    if type(record.attempt) is not int or type(cell.seed) is not int:
        return "its attempt or seed is not a whole number"
    if not all(map(_is_figure, record.cost.values())):
        return "a cost is not a number"
    return ""


def _is_figure(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))

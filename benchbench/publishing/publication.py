"""A published leaderboard: the markdown, and packed beside it all that it was derived from.

The archive holds a store's folders: the board, its evidence, its datasets' facts, the records that
count and their predictions (ids, labels and scores; no text, no weights). What is read from an
archive is data: names and sizes are checked before a byte of a member is kept, nothing is run.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchbench.contract import StoreError
from benchbench.evidence import Board, Evidence, load_or_compute, read_board, records_on
from benchbench.leaderboard import build_leaderboard
from benchbench.machine import fsio
from benchbench.records import (
    Store,
    corrupt_records,
    encode,
    existing_store,
    json_bytes,
    list_names,
    read_json,
)
from benchbench.render import markdown

SHA = "[0-9a-f]{64}"
MEMBERS = (
    re.compile(r"(?:boards|evidence)/[a-z0-9][a-z0-9._-]{0,99}\.json"),
    re.compile(rf"datasets/{SHA}\.json"),
    re.compile(rf"predictions/({SHA})\.parquet"),
    re.compile(rf"runs/{SHA}/(?:{SHA}|unresolved)-[1-9][0-9]{{0,5}}\.json"),
)
"""The only names that an archive may hold."""
MEMBER_BYTES = 1 << 30
TOTAL_BYTES = 5 << 30
RATIO = 1000
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time that every member carries: an archive depends on its content alone."""


@dataclass(frozen=True, slots=True)
class Published:
    """The two files of a published leaderboard."""

    markdown: Path
    archive: Path


def publish_board(store: Store, name: str, folder: Path) -> Published:
    """Write `NAME.md` and `NAME.zip` to `folder`; raise StoreError where a file is missing."""
    board = read_board(store, name)
    records = records_on(store, board)
    evidence = load_or_compute(store, board, records)
    fsio.make_folder(folder)
    published = Published(folder / f"{name}.md", folder / f"{name}.zip")
    scratch = fsio.scratch_folder(folder)
    try:
        archive = scratch / published.archive.name
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
            for member, content in sorted(_contents(store, board, evidence)):
                info = zipfile.ZipInfo(member, EPOCH)
                info.compress_type = zipfile.ZIP_DEFLATED
                info.external_attr = 0o644 << 16
                packed.writestr(info, content)
        fsio.replace(published.archive, archive.read_bytes())
    finally:
        fsio.remove_folder(scratch)
    fsio.replace(
        published.markdown, markdown.render(build_leaderboard(board, records, evidence)).encode()
    )
    return published


def check_folder(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield (file name, fault or "") for every leaderboard published in `folder`.

    A leaderboard is in order where its archive is whole and gives the markdown byte for byte.
    Raises StoreError where the folder holds none.
    """
    for name, table, archive in publications(folder):
        if not archive.exists():
            yield table.name, f"{archive.name}, which it was derived from, is missing"
        elif not table.exists():
            yield archive.name, f"{table.name}, which it gives, is missing"
        else:
            yield table.name, _fault(name, table, archive)


def publications(folder: Path) -> Iterator[tuple[str, Path, Path]]:
    """Yield (name, markdown, archive) of all that is published in `folder`; one may be missing.

    Raises StoreError where the folder holds none.
    """
    archives = {path.stem for path in folder.glob("*.zip")}
    names = {*archives, *(path.stem for path in folder.glob("*.md") if path.stem != "README")}
    if not names:
        raise StoreError(f"{folder}: no leaderboard is published here (NAME.md with NAME.zip)")
    for name in sorted(names):
        yield name, folder / f"{name}.md", folder / f"{name}.zip"


def _fault(name: str, table: Path, archive: Path) -> str:
    """Return why the markdown is not what the archive gives, or nothing."""
    try:
        with unpacked(archive) as store:
            text = published_markdown(store, name)
            if damaged := corrupt_records(store):
                return f"{archive.name}: {damaged} records are damaged"
    except StoreError as error:
        return str(error)
    return difference(table, text.encode())


def published_markdown(store: Store, name: str) -> str:
    """Return the markdown that the board, its records and its evidence give, as they stand.

    Raises StoreError where one is missing or not whole.
    """
    board = read_board(store, name)
    return markdown.render(
        build_leaderboard(board, records_on(store, board), stored_evidence(store, name))
    )


def stored_evidence(store: Store, name: str) -> Evidence:
    """Return the evidence that stands beside a board; raise StoreError unless it is whole."""
    try:
        return Evidence.from_json(read_json(store, "evidence", name))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(
            f"evidence/{name}.json is not of the form that this benchbench writes: {error!r}"
        ) from error


def difference(table: Path, expected: bytes) -> str:
    """Name the first line of the markdown that is not what it should be."""
    found = table.read_bytes()
    if found == expected:
        return ""
    lines = zip(_lines(found), _lines(expected), strict=False)
    for number, (mine, given) in enumerate(lines, start=1):
        if mine != given:
            return f"line {number} is not what the records give: {mine[:80]!r}, not {given[:80]!r}"
    return "it is longer or shorter than what the records give"


def _lines(text: bytes) -> list[str]:
    return text.decode("utf-8", errors="replace").split("\n")


@contextmanager
def opened(path: Path) -> Iterator[Store]:
    """Give the store at `path`: a folder that a run made, or the archive of a publication."""
    if path.suffix == ".zip" and path.is_file():
        with unpacked(path) as store:
            yield store
    else:
        yield existing_store(path)


@contextmanager
def unpacked(archive: Path) -> Iterator[Store]:
    """Give the archive's files as a store that lasts as long as the context.

    Raises StoreError for a damaged archive, names or sizes that no publication has, and
    predictions that are not what their name says.
    """
    with tempfile.TemporaryDirectory(prefix="benchbench-") as name:
        root = Path(name)
        try:
            with zipfile.ZipFile(archive) as packed:
                _check_members(archive, packed)
                for info in packed.infolist():
                    path = root / info.filename
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(packed.read(info))
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
            raise StoreError(f"{archive}: damaged ({error}); copy or download it again") from error
        (root / "runs").mkdir(exist_ok=True)
        for path in sorted(root.glob("predictions/*.parquet")):
            with path.open("rb") as stream:
                if hashlib.file_digest(stream, "sha256").hexdigest() != path.stem:
                    raise StoreError(f"{archive}: {path.name} is not what its name says")
        yield Store(root)


def _check_members(archive: Path, packed: zipfile.ZipFile) -> None:
    seen: set[str] = set()
    total = 0
    for info in packed.infolist():
        total += info.file_size
        large = info.file_size > MEMBER_BYTES or total > TOTAL_BYTES
        if not any(pattern.fullmatch(info.filename) for pattern in MEMBERS):
            raise StoreError(f"{archive}: {info.filename!r} is no file of a publication")
        if info.filename in seen:
            raise StoreError(f"{archive}: {info.filename} stands in it twice")
        if large or info.file_size > RATIO * max(info.compress_size, 1):
            raise StoreError(f"{archive}: {info.filename} is too large unpacked")
        seen.add(info.filename)


def _contents(store: Store, board: Board, evidence: Evidence) -> Iterator[tuple[str, bytes]]:
    """Yield (name, bytes) of all that the leaderboard is derived from."""
    yield f"boards/{board.name}.json", _bytes(store, f"boards/{board.name}.json")
    yield f"evidence/{board.name}.json", json_bytes(evidence.to_json())
    known = list_names(store, "datasets")
    for fingerprint in sorted({dataset.fingerprint for dataset in board.datasets.values()}):
        if fingerprint in known:
            yield (name := f"datasets/{fingerprint}.json"), _bytes(store, name)
    predictions = set()
    for record in records_on(store, board).values():
        if record is None:
            continue
        path = store.record_path(record.id, record.key, record.attempt)
        yield path.relative_to(store.root).as_posix(), encode(record)
        if record.predictions:
            predictions.add(f"predictions/{record.predictions}.parquet")
    for name in sorted(predictions):
        yield name, _bytes(store, name)


def _bytes(store: Store, name: str) -> bytes:
    try:
        return (store.root / name).read_bytes()
    except OSError as error:
        raise StoreError(f"{store.root / name}: cannot be read ({error.strerror})") from error

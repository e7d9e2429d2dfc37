"""A published leaderboard: a markdown file, and an archive with all that it is derived from.

The archive has the folders of a store: the board, its evidence, the descriptions of its datasets,
the records that count and their predictions (ids, labels and scores; no text, no weights). Names
and sizes of members are checked before they are unpacked. Nothing in an archive is run.
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
from benchbench.evidence import (
    Board,
    Evidence,
    load_or_compute,
    read_board,
    read_evidence,
    records_on,
)
from benchbench.leaderboard import build_leaderboard
from benchbench.machine import fsio, read_regular
from benchbench.records import (
    MOST_BYTES,
    Store,
    corrupt_records,
    encode,
    existing_store,
    list_names,
    sealed,
)
from benchbench.render.formats import markdown

SHA = "[0-9a-f]{64}"
MEMBERS = (
    re.compile(r"(?:boards|evidence)/[a-z0-9][a-z0-9._-]{0,99}\.json"),
    re.compile(rf"datasets/{SHA}\.json"),
    re.compile(rf"predictions/({SHA})\.parquet"),
    re.compile(rf"runs/{SHA}/(?:{SHA}|unresolved)-[1-9][0-9]{{0,5}}\.json"),
)
"""The only names that the members of an archive may have."""
MEMBER_BYTES = 1 << 30
TOTAL_BYTES = 5 << 30
RATIO = 1000
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time stamp of every member, so that an archive depends only on its content."""


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

    There is no fault if the archive is undamaged and gives the markdown byte for byte. Raises
    StoreError where the folder has no published leaderboard.
    """
    for name, table, archive in publications(folder):
        if not archive.exists():
            yield table.name, f"its archive {archive.name} is missing"
        elif not table.exists():
            yield archive.name, f"its markdown {table.name} is missing"
        else:
            yield table.name, _fault(name, table, archive)


def publications(folder: Path) -> Iterator[tuple[str, Path, Path]]:
    """Yield (name, markdown, archive) of every leaderboard in `folder`; one file may be missing.

    Raises StoreError where the folder has no published leaderboard.
    """
    archives = {path.stem for path in folder.glob("*.zip")}
    names = {*archives, *(path.stem for path in folder.glob("*.md") if path.stem != "README")}
    if not names:
        raise StoreError(f"{folder}: no leaderboard is published here (NAME.md with NAME.zip)")
    for name in sorted(names):
        yield name, folder / f"{name}.md", folder / f"{name}.zip"


def _fault(name: str, table: Path, archive: Path) -> str:
    """Return why the markdown does not follow from the archive, or an empty text."""
    try:
        with unpacked(archive) as store:
            text = published_markdown(store, name)
            if damaged := corrupt_records(store):
                return f"{archive.name}: damaged records: {damaged}"
    except StoreError as error:
        return str(error)
    return difference(table, text.encode())


def published_markdown(store: Store, name: str) -> str:
    """Return the markdown of a board, made from its stored records and evidence.

    Raises StoreError where one of them is missing or damaged.
    """
    board = read_board(store, name)
    return markdown.render(
        build_leaderboard(board, records_on(store, board), stored_evidence(store, name))
    )


def stored_evidence(store: Store, name: str) -> Evidence:
    """Return the stored evidence of a board; raise StoreError if it is missing or damaged."""
    return read_evidence(store, read_board(store, name))


def difference(table: Path, expected: bytes) -> str:
    """Return where the markdown first differs from what it should be, or an empty text."""
    try:
        content = read_regular(table, MOST_BYTES)
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    if content == expected:
        return ""
    pairs = zip(_lines(content), _lines(expected), strict=False)
    for number, (line, right) in enumerate(pairs, start=1):
        if line != right:
            return f"line {number} is {line[:80]!r}, but the records give {right[:80]!r}"
    return "it is longer or shorter than what the records give"


def _lines(text: bytes) -> list[str]:
    return text.decode("utf-8", errors="replace").split("\n")


@contextmanager
def opened(path: Path) -> Iterator[Store]:
    """Open the store at `path`: a folder made by a run, or the archive of a leaderboard."""
    if path.suffix == ".zip" and path.is_file():
        with unpacked(path) as store:
            yield store
    else:
        yield existing_store(path)


@contextmanager
def unpacked(archive: Path) -> Iterator[Store]:
    """Unpack an archive into a store that lasts as long as the context.

    Raises StoreError for a damaged archive, for names or sizes that a published leaderboard
    cannot have, and for predictions that do not match the sha256 in their name.
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
                    raise StoreError(f"{archive}: {path.name} does not match its sha256")
        yield Store(root)


def _check_members(archive: Path, packed: zipfile.ZipFile) -> None:
    seen: set[str] = set()
    total = 0
    for info in packed.infolist():
        total += info.file_size
        large = info.file_size > MEMBER_BYTES or total > TOTAL_BYTES
        if not any(pattern.fullmatch(info.filename) for pattern in MEMBERS):
            raise StoreError(f"{archive}: {info.filename!r} is not part of a leaderboard")
        if info.filename in seen:
            raise StoreError(f"{archive}: {info.filename} is in it twice")
        if large or info.file_size > RATIO * max(info.compress_size, 1):
            raise StoreError(f"{archive}: {info.filename} is too large unpacked")
        seen.add(info.filename)


def _contents(store: Store, board: Board, evidence: Evidence) -> Iterator[tuple[str, bytes]]:
    """Yield (name, bytes) of all that the leaderboard is derived from."""
    yield f"boards/{board.name}.json", _bytes(store, f"boards/{board.name}.json")
    yield f"evidence/{board.name}.json", sealed(evidence.to_json())
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

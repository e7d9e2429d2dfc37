"""A published leaderboard: a markdown file, and an archive with all that it is derived from.

The archive has the folders of a store: the board, its evidence, the descriptions of its datasets,
the records that count and their predictions (ids, labels and scores; no text, no weights), and
nothing else. Nothing in an archive is run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchbench.contract import Record, StoreError
from benchbench.evidence import (
    Board,
    Evidence,
    load_or_compute,
    read_board,
    read_evidence,
    records_on,
)
from benchbench.leaderboard import build_leaderboard
from benchbench.machine import file_digest, fsio, read_regular, temporary_folder
from benchbench.publishing.archive import PREDICTIONS_BYTES, archive_bytes, extract
from benchbench.publishing.claims import claim_faults
from benchbench.records import (
    UNRESOLVED,
    Store,
    corrupt_records,
    encode,
    existing_store,
    list_names,
    records_in,
    sealed,
)
from benchbench.render.formats import markdown

MARKDOWN_BYTES = 64 << 20


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
    fsio.replace(published.archive, archive_bytes(_contents(store, board, evidence)))
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
            board = read_board(store, name)
            records, evidence = records_on(store, board), read_evidence(store, board)
            if damaged := corrupt_records(store):
                return f"{archive.name}: damaged records: {damaged}"
            for fault in claim_faults(store, board, records, evidence):
                return f"{archive.name}: {fault}"
            text = markdown.render(build_leaderboard(board, records, evidence))
    except StoreError as error:
        return str(error)
    return difference(table, text.encode())


def published_markdown(store: Store, name: str) -> str:
    """Return the markdown of a board, made from its stored records and evidence.

    Raises StoreError where one of them is missing or damaged.
    """
    board = read_board(store, name)
    return markdown.render(
        build_leaderboard(board, records_on(store, board), read_evidence(store, board))
    )


def difference(table: Path, expected: bytes) -> str:
    """Return where the markdown first differs from what it should be, or an empty text."""
    try:
        content = read_regular(table, MARKDOWN_BYTES)
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
    """Unpack an archive into a store that lasts as long as the context, and no longer.

    Raises StoreError for a damaged archive, for one of another form, for predictions that do not
    match the sha256 in their name, and for a file that its board does not use.
    """
    with temporary_folder() as root:
        store = Store(root)
        (root / "runs").mkdir()
        extract(archive, root, lambda names: _refuse(archive, _unused(store, names)))
        for path in sorted(root.glob("predictions/*.parquet")):
            if file_digest(path) != path.stem:
                raise StoreError(f"{archive}: {path.name} does not match its sha256")
        _refuse(archive, _unused_predictions(store))
        yield store


def _refuse(archive: Path, unused: list[str]) -> None:
    if unused:
        raise StoreError(f"{archive}: its board does not use {unused[0]}; publish it again")


def _unused(store: Store, names: list[str]) -> list[str]:
    """Return the files that an archive's board does not use, by their names alone."""
    boards = list_names(store, "boards")
    if not boards:
        return names
    board = read_board(store, boards[0])
    used = {f"{folder}/{board.name}.json" for folder in ("boards", "evidence")}
    used |= {f"datasets/{dataset.fingerprint}.json" for dataset in board.datasets.values()}
    runs = {f"runs/{entry.id}/{entry.key or UNRESOLVED}" for entry in board.cells}
    for name in names:
        if (run := name.rpartition("-")[0]) in runs:
            runs.remove(run)  # so that a second attempt is not used
            used.add(name)
    return [name for name in names if name not in used and not name.startswith("predictions/")]


def _unused_predictions(store: Store) -> list[str]:
    """Return the predictions that no record names; a damaged record may have named any."""
    records = [record for _, record in records_in(store)]
    if any(isinstance(record, StoreError) for record in records):
        return []
    used = {f"{record.predictions}.parquet" for record in records if isinstance(record, Record)}
    paths = sorted(store.root.glob("predictions/*"))
    return [f"predictions/{path.name}" for path in paths if path.name not in used]


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
        return read_regular(store.root / name, PREDICTIONS_BYTES)
    except OSError as error:
        raise StoreError(f"{store.root / name}: cannot be read ({error.strerror})") from error

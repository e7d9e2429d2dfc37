"""Check that a published leaderboard follows from its predictions, by computing it again.

This proves consistency: every metric, test and table agrees with the stored predictions, and all
that the board shows beside them with records and datasets. What files cannot prove, such as that a
model was run, is listed as not proven.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from benchbench.contract import Record, StoreError
from benchbench.evidence import (
    Board,
    BoardCell,
    Evidence,
    compute_evidence,
    read_board,
    read_evidence,
    records_on,
)
from benchbench.publishing.claims import (
    Records,
    baseline_faults,
    dataset_faults,
    prediction_faults,
    record_faults,
)
from benchbench.publishing.differences import differing
from benchbench.publishing.not_proven import not_proven
from benchbench.publishing.publication import (
    difference,
    publications,
    published_markdown,
    unpacked,
)
from benchbench.records import Store, existing_store, list_names, records_in

MOST_NAMED = 5
"""The most faults that one line names."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check: `agrees` says what is right, `faults` what is wrong.

    `unproven` says what the files cannot prove.
    """

    place: str
    agrees: str = ""
    faults: tuple[str, ...] = ()
    unproven: str = ""

    @property
    def line(self) -> str:
        """The finding in one line."""
        if not self.faults:
            return f"{self.place}: {self.agrees or self.unproven}"
        named = "; ".join(self.faults[:MOST_NAMED])
        more = len(self.faults) - MOST_NAMED
        return f"{self.place}: {named}" + (f"; and {more} more" if more > 0 else "")


def verify(path: Path) -> Iterator[Finding]:
    """Verify a folder of published leaderboards, or a store; yield one finding per check.

    Raises StoreError where the path is neither.
    """
    if (path / "runs").is_dir():
        store = existing_store(path)
        for name in list_names(store, "boards"):
            yield from verify_board(store, name, store.folder("leaderboards") / f"{name}.md")
        return
    for name, markdown, archive in publications(path):
        if not archive.exists():
            yield Finding(f"{name}.md", faults=(f"its archive {name}.zip is missing",))
            continue
        try:
            with unpacked(archive) as store:
                yield from verify_board(store, name, markdown)
        except StoreError as error:
            yield Finding(archive.name, faults=(str(error),))


def verify_board(store: Store, name: str, markdown: Path) -> Iterator[Finding]:
    """Verify one board: yield findings on its records, data, evidence and markdown."""
    try:
        board = read_board(store, name)
    except StoreError as error:
        yield Finding(f"boards/{name}.json", faults=(str(error),))
        return
    yield from _damaged(store)
    records = records_on(store, board)
    computed = compute_evidence(store, board, records)
    try:
        stored, fault = read_evidence(store, board), ""
    except StoreError as error:
        stored, fault = computed, str(error)
    given: dict[str, str] = {}
    for entry in board.cells:
        record = records[entry.id]
        faults = [*record_faults(board, entry, record), *_values(entry, record, stored, computed)]
        if record is not None and entry.id in computed.values:
            faults += prediction_faults(store, board, record, given)
        yield _run(entry, record, faults)
    yield _cells(board, computed)
    for dataset in board.datasets:
        yield _data(store, board, dataset, records)
    if fault:
        yield Finding(f"evidence/{name}.json", faults=(fault,))
    else:
        yield _evidence(name, stored, computed)
    yield _markdown(store, name, markdown)
    for line in not_proven(store, board, records):
        yield Finding(name, unproven=line)


def _damaged(store: Store) -> Iterator[Finding]:
    """Yield the file of every damaged record."""
    for path, record in records_in(store):
        if isinstance(record, StoreError):
            yield Finding(path.relative_to(store.root).as_posix(), faults=(str(record),))


def _values(
    entry: BoardCell, record: Record | None, stored: Evidence, computed: Evidence
) -> Iterator[str]:
    """Yield where the stored values of a run are not those that its predictions give."""
    if record is None or record.status != "ok":
        return
    if entry.id in computed.unread:
        yield computed.unread[entry.id]
    else:
        yield from differing(stored.values.get(entry.id, {}), computed.values[entry.id])


def _run(entry: BoardCell, record: Record | None, faults: list[str]) -> Finding:
    place = f"{entry.id[:12]} {entry.cell.title}"
    if record is None:
        return Finding(place, "not run, and shown as not run", tuple(faults))
    if record.status != "ok":
        return Finding(place, f"{record.status}; nothing to compute again", tuple(faults))
    return Finding(place, "record, documents and values agree with its predictions", tuple(faults))


def _cells(board: Board, computed: Evidence) -> Finding:
    """Say how many cells the board has, so that a reader sees where some were left out."""
    return Finding(
        f"boards/{board.name}.json",
        f"{len(computed.values)} of {len(board.cells)} cells have a result",
    )


def _data(store: Store, board: Board, name: str, records: Records) -> Finding:
    """Compare what the board says about a dataset with the description of the dataset."""
    faults = (*dataset_faults(store, board, name), *baseline_faults(board, name, records))
    place = f"datasets/{board.datasets[name].fingerprint}.json ({name})"
    return Finding(place, "agrees with the board", faults)


def _evidence(name: str, stored: Evidence, computed: Evidence) -> Finding:
    """Compare intervals, tests, ranks and confusions with what the predictions give."""
    # inputs also cover the code, which may be newer here; values are compared run by run
    first, second = (
        replace(evidence, inputs="", values={}).to_json() for evidence in (stored, computed)
    )
    systems = sum(len(dataset.systems) for dataset in computed.datasets.values())
    pairs = sum(len(dataset.pairs) for dataset in computed.datasets.values())
    return Finding(
        f"evidence/{name}.json",
        f"{systems} systems and {pairs} pairs agree with the predictions",
        tuple(differing(first, second)),
    )


def _markdown(store: Store, name: str, path: Path) -> Finding:
    try:
        text = published_markdown(store, name)
        fault = difference(path, text.encode()) if path.exists() else "it is missing"
    except StoreError as error:
        fault = str(error)
    return Finding(path.name, "every byte is what the records give", (fault,) if fault else ())

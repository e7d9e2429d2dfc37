"""Check that a published leaderboard follows from its predictions, by computing it again.

This proves consistency: every metric, test and table agrees with the stored predictions. It does
not prove that a model was run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchbench.contract import Record, StoreError
from benchbench.evidence import (
    Board,
    BoardCell,
    BoardDataset,
    Evidence,
    compute_evidence,
    read_board,
    read_description,
    records_on,
)
from benchbench.publishing.publication import (
    difference,
    publications,
    published_markdown,
    stored_evidence,
    unpacked,
)
from benchbench.records import Store, existing_store, list_names, records_in

TOLERANCE = 1e-9
"""How much a stored and a computed number may differ: processors round differently."""
MOST_NAMED = 5
"""The most faults that one line names."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check: `agrees` says what is right, `faults` what is wrong."""

    place: str
    agrees: str = ""
    faults: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The finding in one line."""
        if not self.faults:
            return f"{self.place}: {self.agrees}"
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
        stored, fault = stored_evidence(store, name), ""
    except StoreError as error:
        stored, fault = computed, str(error)
    for entry in board.cells:
        yield _record(entry, records[entry.id], stored, computed)
    for dataset in board.datasets:
        yield _data(store, dataset, board.datasets[dataset])
    if fault:
        yield Finding(f"evidence/{name}.json", faults=(fault,))
    else:
        yield _evidence(name, stored, computed)
    yield from _plugin_metrics(board)
    yield _markdown(store, name, markdown)


def _damaged(store: Store) -> Iterator[Finding]:
    """Yield the file of every damaged record."""
    for path, record in records_in(store):
        if isinstance(record, StoreError):
            yield Finding(path.relative_to(store.root).as_posix(), faults=(str(record),))


def _record(
    entry: BoardCell, record: Record | None, stored: Evidence, computed: Evidence
) -> Finding:
    """Compare the stored values of a run with those that its predictions give."""
    place = f"{entry.id[:12]} {entry.cell.title}"
    if record is None:
        return Finding(place, "not run, and shown as not run")
    if record.status != "ok":
        return Finding(place, f"{record.status}; nothing to compute again")
    if entry.id in computed.unread:
        return Finding(place, faults=(computed.unread[entry.id],))
    values = computed.values[entry.id]
    faults = tuple(differing(stored.values.get(entry.id, {}), values))
    count = sum(len(split) for split in values.values())
    return Finding(place, f"{count} values agree with its predictions", faults)


def _data(store: Store, name: str, dataset: BoardDataset) -> Finding:
    """Compare what the board says about a dataset with the description of the dataset."""
    place = f"datasets/{dataset.fingerprint}.json ({name})"
    try:
        described = BoardDataset.of(read_description(store, dataset.fingerprint))
    except StoreError as error:
        return Finding(place, faults=(str(error),))
    stored = replace(dataset, baselines=()).to_json()
    faults = tuple(differing(stored, described.to_json()))
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


def _plugin_metrics(board: Board) -> Iterator[Finding]:
    if board.plugin_metrics:
        names = ", ".join(sorted(metric.name for metric in board.plugin_metrics))
        yield Finding(
            f"boards/{board.name}.json", f"not computed again, which only plugins can do: {names}"
        )


def _markdown(store: Store, name: str, path: Path) -> Finding:
    try:
        text = published_markdown(store, name)
        fault = difference(path, text.encode()) if path.exists() else "it is missing"
    except StoreError as error:
        fault = str(error)
    return Finding(path.name, "every byte is what the records give", (fault,) if fault else ())


def differing(stored: Any, computed: Any, place: str = "") -> Iterator[str]:
    """Yield the places where stored and computed plain data differ."""
    if isinstance(stored, Mapping) and isinstance(computed, Mapping):
        for name in sorted({*stored, *computed}):
            inner = f"{place}.{name}" if place else str(name)
            if name not in computed:
                yield f"{inner} is stored but not computed"
            elif name not in stored:
                yield f"{inner} is computed but not stored"
            else:
                yield from differing(stored[name], computed[name], inner)
    elif isinstance(stored, list | tuple) and isinstance(computed, list | tuple):
        if len(stored) != len(computed):
            yield f"{place} has {len(stored)} entries, but {len(computed)} when computed again"
            return
        for number, (left, right) in enumerate(zip(stored, computed, strict=True)):
            yield from differing(left, right, f"{place}[{number}]")
    elif not _equal(stored, computed):
        yield f"{place} is {stored!r}, but {computed!r} when computed again"


def _equal(stored: Any, computed: Any) -> bool:
    if _is_number(stored) and _is_number(computed):
        return math.isclose(stored, computed, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(stored == computed)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

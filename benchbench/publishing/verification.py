"""Does a published leaderboard follow from its predictions? All of it is computed again.

That proves consistency: every record, metric, test and table agrees with the predictions that lie
beside them. It does not prove that a model was run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchbench.contract import BenchbenchError, Json, Record, StoreError
from benchbench.evidence import (
    Board,
    BoardCell,
    compute_evidence,
    labels_of,
    read_board,
    records_on,
    stored_predictions,
)
from benchbench.publishing.publication import (
    difference,
    publications,
    published_markdown,
    stored_evidence,
    unpacked,
)
from benchbench.records import Store, existing_store, list_names, read_json, records_in

TOLERANCE = 1e-9
"""How far a number may be from the one computed again: another processor rounds otherwise."""
MOST_NAMED = 5
"""How many places that disagree are named in one line."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found at one place: `agrees` says what does, `faults` what does not."""

    place: str
    agrees: str = ""
    faults: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """Return the one line that says it."""
        if not self.faults:
            return f"{self.place}: {self.agrees}"
        named = "; ".join(self.faults[:MOST_NAMED])
        more = len(self.faults) - MOST_NAMED
        return f"{self.place}: {named}" + (f"; and {more} more" if more > 0 else "")


def verify(path: Path) -> Iterator[Finding]:
    """Yield what was found in a folder of published leaderboards, or in a store.

    Raises StoreError where the path is neither.
    """
    if (path / "runs").is_dir():
        store = existing_store(path)
        for name in list_names(store, "boards"):
            yield from verify_board(store, name, store.folder("leaderboards") / f"{name}.md")
        return
    for name, markdown, archive in publications(path):
        if not archive.exists():
            yield Finding(f"{name}.md", faults=(f"{name}.zip, it was derived from, is missing",))
            continue
        try:
            with unpacked(archive) as store:
                yield from verify_board(store, name, markdown)
        except StoreError as error:
            yield Finding(archive.name, faults=(str(error),))


def verify_board(store: Store, name: str, markdown: Path) -> Iterator[Finding]:
    """Yield what was found of one board: its records, data, evidence and markdown."""
    try:
        board = read_board(store, name)
    except StoreError as error:
        yield Finding(f"boards/{name}.json", faults=(str(error),))
        return
    yield from _damaged(store)
    records = records_on(store, board)
    for entry in board.cells:
        yield _record(store, board, entry, records[entry.id])
    for dataset, facts in board.datasets.items():
        yield _data(store, dataset, facts)
    yield _evidence(store, board, records)
    yield from _plugin_metrics(board)
    yield _markdown(store, name, markdown)


def _damaged(store: Store) -> Iterator[Finding]:
    """Yield every record that is damaged, by its file."""
    for path, found in records_in(store):
        if isinstance(found, StoreError):
            yield Finding(path.relative_to(store.root).as_posix(), faults=(str(found),))


def _record(store: Store, board: Board, entry: BoardCell, record: Record | None) -> Finding:
    """Compute a record's metrics again from its predictions."""
    place = f"{entry.id[:12]} {entry.cell.title}"
    if record is None:
        return Finding(place, "no result; it is shown as not run")
    if record.status != "ok":
        return Finding(place, f"{record.status}; nothing to compute again")
    facts = board.datasets[entry.cell.dataset.name]
    try:
        found = _metrics(store, facts, record)
    except BenchbenchError as error:
        return Finding(place, faults=(str(error),))
    stored = {split: dict(values) for split, values in record.metrics.items()}
    faults = tuple(differing(stored, found))
    count = sum(len(values) for values in found.values())
    return Finding(place, f"{count} metrics agree with its predictions", faults)


def _metrics(store: Store, facts: Json, record: Record) -> Mapping[str, Mapping[str, Any]]:
    from benchbench.evaluation import evaluate

    if record.identity.get("dataset") != facts["fingerprint"]:
        raise StoreError("it was made on other data than the board's: the fingerprints differ")
    labels = labels_of(store, facts["fingerprint"])
    path = store.folder("predictions") / f"{record.predictions}.parquet"
    predictions = stored_predictions(path, labels)
    return evaluate(facts["kind"], predictions, labels, bool(record.facts.get("hard")))


def _data(store: Store, dataset: str, facts: Json) -> Finding:
    """Compare what the board says of a dataset with the dataset's own description."""
    place = f"datasets/{facts['fingerprint']}.json ({dataset})"
    try:
        described = read_json(store, "datasets", facts["fingerprint"])
    except StoreError as error:
        return Finding(place, faults=(str(error),))
    told = {
        "fingerprint": facts["fingerprint"],
        "kind": facts["kind"],
        "main_metric": facts["main_metric"],
        "documents": facts["documents"],
        "labels": facts["labels"],
    }
    found = {name: described[name] for name in told} | {"labels": len(described["labels"]["names"])}
    return Finding(place, "agrees with the board", tuple(differing(told, found)))


def _evidence(store: Store, board: Board, records: Mapping[str, Record | None]) -> Finding:
    """Weigh the predictions again: intervals, tests, ranks, confusions."""
    place = f"evidence/{board.name}.json"
    try:
        stored = dict(stored_evidence(store, board.name).to_json())
        found = dict(compute_evidence(store, board, records).to_json())
    except StoreError as error:
        return Finding(place, faults=(str(error),))
    for each in (stored, found):
        del each["inputs"]  # it names the code as well, which may be newer here
    systems = sum(len(each["systems"]) for each in found["datasets"].values())
    return Finding(
        place,
        f"{systems} systems and {found['family']} pairs, weighed again, agree",
        tuple(differing(stored, found)),
    )


def _plugin_metrics(board: Board) -> Iterator[Finding]:
    names = {name for facts in board.datasets.values() for name in facts.get("plugin_metrics", ())}
    if names:
        yield Finding(
            f"boards/{board.name}.json",
            f"not recomputed, for only their plugins can: {', '.join(sorted(names))}",
        )


def _markdown(store: Store, name: str, path: Path) -> Finding:
    try:
        text = published_markdown(store, name)
        fault = difference(path, text.encode()) if path.exists() else "it is missing"
    except StoreError as error:
        fault = str(error)
    return Finding(path.name, "every byte is what the records give", (fault,) if fault else ())


def differing(stored: Any, found: Any, place: str = "") -> Iterator[str]:
    """Yield where two trees of plain data differ: what is stored, and what was computed again."""
    if isinstance(stored, Mapping) and isinstance(found, Mapping):
        for name in sorted({*stored, *found}):
            inner = f"{place}.{name}" if place else str(name)
            if name not in found:
                yield f"{inner} is stored and is not computed"
            elif name not in stored:
                yield f"{inner} is computed and is not stored"
            else:
                yield from differing(stored[name], found[name], inner)
    elif isinstance(stored, list | tuple) and isinstance(found, list | tuple):
        if len(stored) != len(found):
            yield f"{place} has {len(stored)} entries, computed again {len(found)}"
            return
        for number, (one, other) in enumerate(zip(stored, found, strict=True)):
            yield from differing(one, other, f"{place}[{number}]")
    elif not _equal(stored, found):
        yield f"{place} is {stored!r}, computed again {found!r}"


def _equal(stored: Any, found: Any) -> bool:
    if _is_number(stored) and _is_number(found):
        return math.isclose(stored, found, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(stored == found)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

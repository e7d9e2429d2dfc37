"""Attempts at a cell, by this process and by others: what is published, and what another did first.

Several processes may run the same cell of one store at the same time. No lock keeps them apart.
An attempt's number is taken by one process alone, and each looks at all attempts before its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace

from benchbench.contract import Outcome, Record, StoreError
from benchbench.machine import fsio
from benchbench.records.store import Store, encode, read_record, record_that_counts, records_of


def last_attempt(records: Iterable[Record], key: str | None) -> int:
    """Return the number of the last attempt with a key, 0 where there is none."""
    return max((record.attempt for record in records if record.key == key), default=0)


def record_since(store: Store, cell: str, key: str | None, known: int) -> Record | None:
    """Return the record that counts among the attempts after `known`: those of other processes."""
    later = (record for record in records_of(store, cell) if record.attempt > known)
    return record_that_counts(later, key)


def publish(store: Store, outcome: Outcome, known: int | None = None) -> Record:
    """Move an outcome into the store: artefacts, predictions, record, in that order.

    `known` is the last attempt that there was when the cell was planned, by default the last one
    now. A later one is another process's. If that has a result, or ended as this one did, nothing
    is stored, so that processes beside one another leave one record. Returns what then counts.
    """
    record = outcome.record
    there = {one.attempt: one for one in records_of(store, record.id) if one.key == record.key}
    number = max(there, default=0) + 1
    known = number - 1 if known is None else known
    if first := _makes_needless(there, known, record):
        return first
    _publish_files(store, outcome)
    while True:
        record = replace(record, attempt=number)
        path = store.record_path(record.id, record.key, number)
        fsio.make_folder(path.parent)
        if fsio.write_new(path, encode(record)):
            return record
        with suppress(StoreError):  # whoever reads the cell next sets it aside
            there[number] = read_record(path)
        if first := _makes_needless(there, known, record):
            return first
        number += 1  # a result must not be lost to the failure of another process


def _makes_needless(there: Mapping[int, Record], known: int, record: Record) -> Record | None:
    """Return what another process has stored since, if the record adds nothing to it."""
    later = [there[number] for number in sorted(there) if number > known]
    if any(one.status in ("ok", record.status) for one in later):
        return record_that_counts(later, record.key)
    return None


def _publish_files(store: Store, outcome: Outcome) -> None:
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

"""Eight processes at one cell leave one record, and no result is lost."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from benchbench import Outcome
from benchbench.records.attempts import last_attempt, publish, record_since
from benchbench.records.store import open_store, records_of
from tests.support.building import record

PROCESSES = 8


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "store")


def put(store, made, known=None):
    return publish(store, Outcome(made, Path()), known)


def statuses(store, made):
    return [f"{one.status}-{one.attempt}" for one in records_of(store, made.id)]


@pytest.mark.parametrize("status", ["ok", "failed", "interrupted"])
def test_processes_that_publish_one_cell_at_once_leave_one_record(store, status):
    made = record(status=status)
    gate_read, gate_write = os.pipe()
    children = []
    for _ in range(PROCESSES):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.close(gate_write)
                os.read(gate_read, 1)  # until the gate is closed
                code = 0 if put(store, made, known=0).attempt == 1 else 2
            finally:
                os._exit(code)
        children.append(child)
    os.close(gate_write)
    os.close(gate_read)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * PROCESSES
    assert statuses(store, made) == [f"{status}-1"]


def test_a_result_that_came_while_the_cell_ran_counts_and_nothing_is_added(store):
    first = put(store, record())
    other = replace(record(), predictions="b" * 64)  # not deterministic: its file is not moved
    assert put(store, other, known=0) == first
    assert statuses(store, first) == ["ok-1"]
    assert not list(store.folder("predictions").iterdir())


def test_what_was_there_when_the_cell_was_planned_is_no_reason_to_drop_a_result(store):
    put(store, record())
    forced = put(store, record(), known=1)
    assert (forced.attempt, statuses(store, forced)) == (2, ["ok-1", "ok-2"])
    assert put(store, record(), known=1) == forced


def test_a_failure_adds_to_another_kind_of_failure_and_not_to_a_result(store):
    put(store, record(status="interrupted"), known=0)
    assert put(store, record(status="failed"), known=0).attempt == 2
    assert put(store, record(status="ok"), known=0).attempt == 3
    assert put(store, record(status="oom"), known=0).status == "ok"
    assert statuses(store, record()) == ["interrupted-1", "failed-2", "ok-3"]


def test_a_damaged_record_of_another_process_stops_nobody(store, monkeypatch):
    from benchbench.records import attempts

    made = record()
    damaged = store.record_path(made.id, made.key, 1)
    look = attempts.records_of

    def look_before_it_appears(*arguments):
        seen = look(*arguments)
        damaged.parent.mkdir(parents=True, exist_ok=True)
        damaged.write_bytes(b"{")
        return seen

    monkeypatch.setattr(attempts, "records_of", look_before_it_appears)
    assert put(store, made, known=0).attempt == 2
    assert statuses(store, made) == ["ok-2"]


def test_what_came_since_the_plan_is_told_from_what_was_there(store):
    made = put(store, record(status="failed"))
    assert last_attempt(records_of(store, made.id), made.key) == 1
    assert last_attempt([], made.key) == 0
    assert record_since(store, made.id, made.key, 1) is None
    later = put(store, record())
    assert record_since(store, made.id, made.key, 1) == later

"""The store: records are read exactly as they were written, or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from dataclasses import replace
from itertools import count as numbers
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbench import Cell, Outcome, Record, Reference
from benchbench.contract.errors import StoreError
from benchbench.machine import canonical, digest, file_digest, folder_digest, fsio
from benchbench.records.attempts import publish
from benchbench.records.identity import cell_id, key_of
from benchbench.records.store import (
    Store,
    all_records,
    check_name,
    corrupt_records,
    decode,
    encode,
    existing_store,
    list_names,
    open_store,
    read_json,
    read_record,
    record_that_counts,
    records_in,
    records_of,
    write_json,
)
from tests.support.building import cell, record
from tests.support.faults import failing, killed_at, refuse_links


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "store")


def put(store, made):
    return publish(store, Outcome(made, Path()))


def path_of(store, made):
    return store.record_path(made.id, made.key, made.attempt)


def with_new_checksum(data, **changes):
    """Return a record's bytes with changed fields and a matching checksum."""
    content = json.loads(data)
    del content["sha256"]
    content.update(changes)
    return canonical(content | {"sha256": digest(content)})


INTEGERS = st.integers(1 - 2**63, 2**63 - 1)
FIGURES = st.none() | INTEGERS | st.floats(-1e100, 1e100)
VALUES = st.booleans() | INTEGERS | st.text() | st.floats(-1e9, 1e9)
PLAIN = st.recursive(VALUES | st.none(), lambda inner: st.lists(inner, max_size=2), max_leaves=3)
REFERENCES = st.builds(
    Reference, st.text(), st.text(), st.dictionaries(st.text(), VALUES, max_size=2)
)
SHA256 = st.none() | st.binary(max_size=4).map(lambda data: hashlib.sha256(data).hexdigest())


@st.composite
def records(draw):
    cell = Cell(draw(REFERENCES), draw(REFERENCES), draw(st.none() | REFERENCES), draw(INTEGERS))
    identity = draw(st.dictionaries(st.text(), PLAIN, max_size=2))
    status = draw(st.sampled_from(["ok", "failed", "skipped", "diverged", "oom", "timeout"]))
    return Record(
        cell,
        cell_id(cell),
        draw(st.sampled_from([None, key_of(identity)])),
        draw(st.integers(1, 99)),
        status,
        draw(st.text()),
        identity,
        tuple(draw(st.lists(st.dictionaries(st.text(), FIGURES, max_size=2), max_size=2))),
        draw(st.dictionaries(st.text(), PLAIN, max_size=2)),
        draw(st.dictionaries(st.text(), st.text(), max_size=2)),
        draw(st.dictionaries(st.text(), FIGURES, max_size=2)),
        draw(st.dictionaries(st.text(), PLAIN, max_size=2)),
        draw(SHA256),
        draw(SHA256),
    )


@given(records())
@settings(max_examples=60, deadline=None)
def test_a_record_is_read_as_it_was_written(written):
    assert decode(encode(written), "here") == written


def test_a_reason_that_is_not_valid_unicode_is_kept(store):
    written = record(status="failed", reason="caf\udce9.csv is not there")
    assert records_of(store, put(store, written).id)[0].reason == written.reason


def test_every_changed_byte_is_noticed():
    data = encode(record(status="failed", reason="Größe"))
    for position in range(len(data)):
        spoilt = bytearray(data)
        spoilt[position] ^= 1 << (position % 8)
        with pytest.raises(StoreError, match="here"):
            decode(bytes(spoilt), "here")
    for length in range(len(data)):
        with pytest.raises(StoreError):
            decode(data[:length], "here")


@pytest.mark.parametrize(
    "junk",
    [b"", b"[]", b"3", b"null", b'"text"', b"{}", b"[" * 100_000, b'{"sha256":NaN}', b"\xff\xfe{"],
    ids=lambda junk: repr(junk[:12]),
)
def test_a_file_that_is_not_a_record_is_an_error(store, junk):
    with pytest.raises(StoreError):
        decode(junk, "here")
    with pytest.raises(StoreError):
        (store.folder("boards") / "board.json").write_bytes(junk)
        read_json(store, "boards", "board")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"identity": {"weights": "other"}}, "identity block", id="identity"),
        pytest.param({"key": "f" * 64}, "identity block", id="key"),
        pytest.param({"id": "f" * 64}, "from its cell", id="id"),
        pytest.param({"cell": cell(seed=7).to_json()}, "from its cell", id="cell"),
        pytest.param({"predictions": "../../secret"}, "sha256", id="path-out-of-the-store"),
        pytest.param({"artifacts": "/etc"}, "sha256", id="absolute-path"),
        pytest.param({"cost": {"fit_seconds": [1]}}, "number", id="cost-a-list"),
        pytest.param({"status": "splendid"}, "status", id="status"),
        pytest.param({"attempt": "1"}, "whole number", id="attempt-a-text"),
        pytest.param({"cell": 3}, "not a record", id="cell-a-number"),
        pytest.param({"surprise": 3}, "not a record", id="unknown-field"),
    ],
)
def test_a_changed_field_is_noticed_even_with_a_matching_checksum(changes, message):
    data = encode(record())
    assert decode(with_new_checksum(data), "here") == decode(data, "here")
    with pytest.raises(StoreError, match=message):
        decode(with_new_checksum(data, **changes), "here")


@pytest.mark.parametrize("metrics", [{"test": {"macro_f1": 0.5}}, {}, None, "junk"])
def test_a_record_of_version_0_1_is_read_and_its_metrics_ignored(metrics):
    data = encode(record())
    assert decode(with_new_checksum(data, metrics=metrics), "here") == decode(data, "here")


def test_a_record_under_the_name_of_another_is_refused(store):
    stored = put(store, record())
    other = cell(seed=9)
    for place in (
        store.record_path(stored.id, stored.key, 2),
        store.record_path(stored.id, None, 1),
        store.record_path(cell_id(other), stored.key, 1),
    ):
        fsio.make_folder(place.parent)
        place.write_bytes(path_of(store, stored).read_bytes())
        with pytest.raises(StoreError, match="another cell or attempt"):
            read_record(place)


def test_a_corrupt_record_is_set_aside_and_counted_and_does_not_hide_others(store):
    good, bad, other = put(store, record()), put(store, record()), put(store, record(cell(seed=1)))
    path_of(store, bad).write_bytes(b"{}")
    assert {intact.id for intact in all_records(store)} == {good.id, other.id}
    assert records_of(store, good.id) == [good]
    assert corrupt_records(store) == 1
    assert path_of(store, bad).with_name(path_of(store, bad).name + ".bad").read_bytes() == b"{}"


def test_a_corrupt_attempt_can_be_made_again(store):
    path = path_of(store, put(store, record()))
    for count in (1, 2):
        path.write_bytes(b"torn")
        assert all_records(store) == []
        assert put(store, record()).attempt == 1
        assert corrupt_records(store) == count


def test_a_corrupt_record_that_cannot_be_set_aside_does_not_count(store):
    corrupt, intact = put(store, record()), put(store, record(cell(seed=1)))
    path_of(store, corrupt).write_bytes(b"{}")
    with failing(1, errno.EROFS, persistent=True):
        read = records_of(store, corrupt.id), records_of(store, intact.id)
    assert read == ([], [intact])


def test_files_that_are_not_records_are_left_alone(store):
    stored = put(store, record())
    folder = path_of(store, stored).parent
    (folder / "notes.txt").write_text("mine")
    (folder / f"{stored.key}-2.json").mkdir()
    (store.folder("runs") / "notes.txt").write_text("mine")
    os.mkfifo(folder / f"{stored.key}-3.json")
    assert all_records(store) == [stored]
    assert corrupt_records(store) == 0


def test_attempts_are_numbered_separately_for_each_key(store):
    first = put(store, record(status="failed"))
    second = put(store, record())
    stale = put(store, record(identity={"cell": "x", "weights": "second"}))
    unresolved = put(store, replace(record(status="skipped"), key=None))
    assert [made.attempt for made in (first, second, stale, unresolved)] == [1, 2, 1, 1]
    assert len(records_of(store, first.id)) == 4


def test_the_tenth_attempt_comes_after_the_second(store):
    for number in range(11):
        put(store, record(status="failed", reason=str(number)))
    attempts = records_of(store, record().id)
    assert [made.attempt for made in attempts] == list(range(1, 12))
    assert record_that_counts(attempts, attempts[0].key).reason == "10"


def test_the_last_ok_attempt_counts_even_after_a_later_failure():
    tries = [
        record(status="failed", attempt=1),
        record(value=0.1, attempt=2),
        record(value=0.2, attempt=3),
        record(status="timeout", attempt=4),
    ]
    key = tries[0].key
    assert record_that_counts(tries, key) is tries[2]
    assert record_that_counts(tries[:1], key) is tries[0]
    assert record_that_counts(tries, "another key") is None
    assert record_that_counts([], key) is None


def raced(store, monkeypatch, first, second):
    """Publish `second` while `first` is written between its look at the folder and its write."""
    from benchbench.records import attempts as module

    look = module.records_of
    waiting = [first]

    def look_and_lose(store, cell):
        seen = look(store, cell)
        if waiting:
            put(store, waiting.pop())
        return seen

    monkeypatch.setattr(module, "records_of", look_and_lose)
    return put(store, second)


@pytest.mark.parametrize(
    ("first", "second", "result"),
    [
        pytest.param("ok", "ok", "ok-1", id="the-first-result-is-kept"),
        pytest.param("ok", "failed", "ok-1", id="a-failure-does-not-replace-a-result"),
        pytest.param("interrupted", "ok", "ok-2", id="a-result-is-not-lost-to-a-failure"),
        pytest.param("failed", "failed", "failed-1", id="the-first-failure-is-kept"),
        pytest.param("failed", "oom", "oom-2", id="another-kind-of-failure-is-kept-too"),
    ],
)
def test_two_processes_that_write_the_same_attempt(store, monkeypatch, first, second, result):
    kept = raced(store, monkeypatch, record(status=first), record(status=second))
    assert f"{kept.status}-{kept.attempt}" == result


def outcome(folder):
    """Return an outcome with files, always of the same bytes."""
    (folder / "artifacts" / "deep").mkdir(parents=True)
    (folder / "artifacts" / "deep" / "adapter").write_bytes(b"weights" * 50)
    (folder / "artifacts" / "labels.json").write_bytes(b"labels")
    (folder / "predictions.parquet").write_bytes(b"predictions" * 50)
    made = record(
        predictions=file_digest(folder / "predictions.parquet"),
        artifacts=folder_digest(folder / "artifacts"),
    )
    return Outcome(made, folder)


def run_once(root, name):
    """Do what a run does: publish unless there is a result already."""
    store = open_store(root)
    made = record()
    if record_that_counts(records_of(store, made.id), made.key) is None:
        scratch = root / f"{fsio.TEMPORARY}{name}"
        publish(store, outcome(scratch))
        fsio.remove_folder(scratch)


def contents(root):
    """Return the store's files by name, without those that a crash may leave behind."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and fsio.TEMPORARY not in str(path) and ".bad" not in path.name
    }


@pytest.fixture(params=["links", "no-links"])
def disk(request, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # to save time: no power is cut
    if request.param == "no-links":
        refuse_links(monkeypatch)


def test_a_publish_killed_at_any_step_is_repaired_by_the_next(tmp_path, disk):
    run_once(tmp_path / "whole", "scratch")
    expected = contents(tmp_path / "whole")
    assert len(expected) == 4
    for k in numbers(1):
        root = tmp_path / str(k)
        open_store(root)
        killed = killed_at(k, lambda root=root: run_once(root, "first"))
        for name, data in contents(root).items():
            assert data == expected[name] or (data == b"" and name.startswith("runs"))
        run_once(root, "second")
        assert contents(root) == expected
        if not killed:
            break
    assert k > 40


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO], ids=errno.errorcode.get)
@pytest.mark.parametrize("persistent", [False, True], ids=["once", "from-then-on"])
def test_a_publish_on_a_failing_disk_is_repaired_by_the_next(tmp_path, number, persistent, disk):
    run_once(tmp_path / "whole", "scratch")
    expected = contents(tmp_path / "whole")
    for k in numbers(1):
        root = tmp_path / str(k)
        store = open_store(root)
        ready = outcome(root / f"{fsio.TEMPORARY}first")
        with failing(k, number, persistent) as calls:
            try:
                publish(store, ready)
            except StoreError as error:
                assert "\n" not in str(error)
        run_once(root, "second")
        assert contents(root) == expected
        if len(calls.names) < k:
            break
    assert k > 15


@pytest.mark.parametrize("planted", ["root", "runs", "predictions", "boards"])
def test_a_symlink_in_place_of_a_folder_of_the_store_is_refused(tmp_path, planted):
    victim = tmp_path / "victim"
    victim.mkdir()
    root = tmp_path / "store"
    if planted == "root":
        root.symlink_to(victim)
    else:
        root.mkdir()
        (root / planted).symlink_to(victim)
    with pytest.raises(StoreError, match="symbolic link"):
        open_store(root)
    assert list(victim.iterdir()) == []


def test_the_target_of_a_symlink_in_place_of_a_record_is_not_changed(store, tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    expected = record()
    place = path_of(store, expected)
    place.parent.mkdir()
    place.symlink_to(victim)
    assert put(store, expected) == expected
    assert records_of(store, expected.id) == [expected]
    assert victim.read_bytes() == b"precious"


def test_a_symlink_in_place_of_a_cells_folder_is_refused(store, tmp_path):
    victim = tmp_path / "victim"
    victim.mkdir()
    path_of(store, record()).parent.symlink_to(victim)
    with pytest.raises(StoreError, match="symbolic link"):
        put(store, record())
    assert list(victim.iterdir()) == []


def test_opening_a_store_makes_its_folders_and_can_be_repeated(tmp_path):
    stored = put(open_store(tmp_path / "store"), record())
    assert all_records(open_store(tmp_path / "store")) == [stored]


def test_the_error_for_a_folder_that_is_not_a_store_says_what_to_do(tmp_path):
    with pytest.raises(StoreError, match="--store"):
        existing_store(tmp_path)
    assert existing_store(open_store(tmp_path / "store").root) == Store(tmp_path / "store")


def test_a_json_file_is_read_as_it_was_written_last(store):
    write_json(store, "boards", "mine", {"title": "first"})
    write_json(store, "boards", "mine", {"title": "second"})
    assert read_json(store, "boards", "mine") == {"title": "second"}
    assert list_names(store, "boards") == ["mine"]


def test_a_changed_json_file_is_refused_and_the_error_for_a_missing_one_names_the_others(store):
    write_json(store, "boards", "mine", {"title": "first"})
    path = store.folder("boards") / "mine.json"
    data = path.read_bytes()
    for position in range(len(data)):
        spoilt = bytearray(data)
        spoilt[position] ^= 1
        path.write_bytes(bytes(spoilt))
        # a space in place of the newline at the end changes nothing that is read
        if position < len(data) - 1:
            with pytest.raises(StoreError):
                read_json(store, "boards", "mine")
    with pytest.raises(StoreError, match=r"Known in boards: mine\."):
        read_json(store, "boards", "yours")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "A", "ä", "-x", "a\n", "a\0", "a" * 101, ".hidden"]
)
def test_a_name_that_is_not_safe_for_a_file_is_refused_for_a_board(name, store):
    with pytest.raises(StoreError, match="cannot name a board"):
        check_name(name)
    with pytest.raises(StoreError, match="cannot name a board"):
        write_json(store, "boards", name, {})


def test_the_digest_of_a_folder_depends_on_names_and_contents(tmp_path):
    digests = set()
    for number, (name, data) in enumerate([("a", b"x"), ("b", b"x"), ("a", b"y")]):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / name).write_bytes(data)
        digests.add(folder_digest(folder))
    assert len(digests) == 3


@pytest.mark.parametrize("kind", ["pipe", "link", "device"])
def test_what_is_no_regular_file_is_never_opened(store, tmp_path, kind):
    """A pipe would wait for ever, and a device has no end."""
    stored = put(store, record())
    paths = [store.folder("boards") / "a.json", store.record_path(stored.id, stored.key, 2)]
    for path in paths:
        if kind == "pipe":
            os.mkfifo(path)
        else:
            path.symlink_to("/dev/zero" if kind == "device" else tmp_path / "elsewhere")
    with pytest.raises(StoreError, match=r"not a regular file|symbolic link"):
        read_json(store, "boards", "a")
    found = dict(records_in(store))
    assert found[store.record_path(stored.id, stored.key, 1)] == stored
    assert "2.json" in str(found[paths[1]])
    assert all_records(store) == [stored]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO], ids=os.strerror)
def test_folders_of_the_store_that_cannot_be_listed_are_told_in_one_line(
    store, monkeypatch, number
):
    def refuse(path="."):
        raise OSError(number, os.strerror(number), path)

    monkeypatch.setattr(os, "listdir", refuse)
    for read in (lambda: all_records(store), lambda: records_of(store, "0" * 64)):
        with pytest.raises(StoreError, match=f"runs.* cannot be read: {os.strerror(number)}"):
            read()

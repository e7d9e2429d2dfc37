"""What cells share is the same as made alone, and no ill of a cache ever reaches a cell."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from benchbench.kit import cache
from benchbench.kit.cache import DATA, ENTRY, cached, digest_of, enabled
from benchbench.machine.fsio import TEMPORARY
from benchbench.machine.stopwatch import Stopwatch, stage, watching
from tests.support.faults import counted, failing, killed_at

KEY = {"what": "numbers", "of": [1, 2]}
TABLE = pa.table({"number": list(range(1000))})


def entries(folder):
    return sorted((folder / "numbers").iterdir()) if (folder / "numbers").is_dir() else []


def fetched(folder, key=KEY, table=TABLE):
    """Ask the cache; return (the table, how often it had to be made)."""
    made = []

    def make():
        made.append(1)
        return table

    with enabled(folder):
        return cached("numbers", key, make), len(made)


def test_what_is_kept_is_made_once_and_is_the_same(tmp_path):
    assert fetched(tmp_path) == (TABLE, 1)
    assert fetched(tmp_path) == (TABLE, 0)
    assert len(entries(tmp_path)) == 1


@pytest.mark.parametrize(
    "other", [{**KEY, "of": [2, 1]}, {**KEY, "more": None}, {"what": "numbers"}], ids=str
)
def test_another_key_is_another_entry(tmp_path, other):
    fetched(tmp_path)
    assert fetched(tmp_path, other, TABLE.slice(5)) == (TABLE.slice(5), 1)
    assert fetched(tmp_path) == (TABLE, 0)


@pytest.mark.parametrize("function", ["execution_digest", "package_versions"])
def test_other_code_or_other_packages_are_another_key(tmp_path, monkeypatch, function):
    fetched(tmp_path)
    changed = {"execution_digest": lambda: "0" * 64, "package_versions": lambda: {"torch": "0"}}
    monkeypatch.setattr(cache, function, changed[function])
    assert fetched(tmp_path)[1] == 1


def test_outside_of_a_cache_nothing_is_kept(tmp_path):
    made = []
    for _ in range(2):
        assert cached("numbers", KEY, lambda: made.append(1) or TABLE) == TABLE
        with enabled(tmp_path), enabled(None):
            assert cached("numbers", KEY, lambda: made.append(1) or TABLE) == TABLE
    assert len(made) == 4
    assert list(tmp_path.iterdir()) == []


def test_what_goes_wrong_while_it_is_made_is_told_and_not_kept(tmp_path):
    with enabled(tmp_path), pytest.raises(OSError, match="of its own"):
        cached("numbers", KEY, lambda: (_ for _ in ()).throw(OSError("of its own")))
    assert entries(tmp_path) == []


def cut(entry):
    data = (entry / DATA).read_bytes()
    (entry / DATA).write_bytes(data[: len(data) // 2])


def flip(name):
    def damage(entry):
        data = bytearray((entry / name).read_bytes())
        data[len(data) // 2] ^= 1
        (entry / name).write_bytes(data)

    return damage


def cheapen(entry):
    facts = json.loads((entry / ENTRY).read_bytes())
    (entry / ENTRY).write_text(json.dumps({**facts, "seconds": 0.0001}))


def exchange(entry):
    """Put the intact entry of another key in the place of this one."""
    fetched(entry.parent.parent, {"other": "key"}, TABLE.slice(5))
    (other,) = {path for path in entry.parent.iterdir() if path != entry}
    shutil.rmtree(entry)
    other.rename(entry)


DAMAGES = {
    "another-keys": exchange,
    "data-cut-short": cut,
    "a-bit-of-the-data": flip(DATA),
    "a-bit-of-the-entry": flip(ENTRY),
    "data-empty": lambda entry: (entry / DATA).write_bytes(b""),
    "entry-empty": lambda entry: (entry / ENTRY).write_bytes(b""),
    "entry-no-table": lambda entry: (entry / ENTRY).write_text("[]"),
    "no-data": lambda entry: (entry / DATA).unlink(),
    "no-entry": lambda entry: (entry / ENTRY).unlink(),
    "nothing": lambda entry: [path.unlink() for path in entry.iterdir()],
    "other-seconds": cheapen,
    "data-a-folder": lambda entry: ((entry / DATA).unlink(), (entry / DATA).mkdir()),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_entry_is_noticed_and_made_anew(tmp_path, name):
    with watching(Stopwatch()):
        fetched(tmp_path)
        DAMAGES[name](*entries(tmp_path))
        assert fetched(tmp_path) == (TABLE, 1)
        assert fetched(tmp_path) == (TABLE, 0)


@pytest.mark.parametrize("persistent", [False, True], ids=["once", "from-then-on"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS], ids=["full", "read-only"])
def test_whatever_call_the_disk_refuses_the_result_is_there(tmp_path, number, persistent):
    with counted() as count:
        fetched(tmp_path / "counted")
    calls = len(count.names)
    assert calls > 8
    for at in range(1, calls + 1):
        folder = tmp_path / str(at)
        with failing(at, number, persistent):
            assert fetched(folder) == (TABLE, 1)
        assert fetched(folder)[0] == TABLE
        assert fetched(folder) == (TABLE, 0)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EACCES], ids=os.strerror)
def test_why_nothing_could_be_kept_is_noted_for_the_cell(tmp_path, number):
    refused, well = Stopwatch(), Stopwatch()
    with watching(refused), failing(1, number, persistent=True):
        assert fetched(tmp_path) == (TABLE, 1)
    with watching(well):
        fetched(tmp_path)
    assert (refused.cache_fault, well.cache_fault) == (os.strerror(number), "")


def test_a_disk_that_is_full_in_the_middle_of_a_file_leaves_nothing(tmp_path, monkeypatch):
    real = Path.write_bytes

    def half(path, data):
        real(path, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    assert fetched(tmp_path) == (TABLE, 1)
    assert entries(tmp_path) == []


def test_killed_at_any_moment_the_next_one_has_the_result(tmp_path):
    at, died = 0, True
    while died:
        at += 1
        folder = tmp_path / str(at)
        died = killed_at(at, lambda folder=folder: fetched(folder))
        assert fetched(folder)[0] == TABLE
        assert fetched(folder) == (TABLE, 0)
    assert at > 8


@pytest.mark.parametrize("where", ["a-file", "below-a-file", "a-dead-link"])
def test_a_folder_that_cannot_be_is_merely_of_no_help(tmp_path, where):
    (tmp_path / "a-file").write_text("")
    (tmp_path / "a-dead-link").symlink_to(tmp_path / "absent" / "folder")
    folder = tmp_path / "a-file" / "more" if where == "below-a-file" else tmp_path / where
    assert fetched(folder) == (TABLE, 1)
    assert fetched(folder)[0] == TABLE


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_where_only_reading_is_allowed_hits_are_hits(tmp_path):
    fetched(tmp_path)
    for folder in (tmp_path / "numbers", tmp_path):
        folder.chmod(0o500)
    try:
        assert fetched(tmp_path) == (TABLE, 0)
        assert fetched(tmp_path, {"other": 1}) == (TABLE, 1)
    finally:
        for folder in (tmp_path, tmp_path / "numbers"):
            folder.chmod(0o700)


def test_processes_that_make_one_entry_at_once_all_have_it(tmp_path):
    ready, go = os.pipe()
    children = []
    for _ in range(6):
        child = os.fork()
        if child == 0:
            os.read(ready, 1)
            good = all(fetched(tmp_path, {"n": n})[0] == TABLE for n in range(20))
            os._exit(0 if good else 1)
        children.append(child)
    os.write(go, b"6" * 6)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 6
    assert len(entries(tmp_path)) == 20
    assert not [path for path in entries(tmp_path) if path.name.startswith(TEMPORARY)]
    assert all(fetched(tmp_path, {"n": n}) == (TABLE, 0) for n in range(20))


def test_deleted_while_it_is_in_use_it_stays_in_use(tmp_path):
    fetched(tmp_path)
    table, made = fetched(tmp_path)
    shutil.rmtree(tmp_path / "numbers")
    assert made == 0
    assert table == TABLE
    assert fetched(tmp_path) == (TABLE, 1)


def test_an_entry_says_what_it_is_and_holds_no_text(tmp_path):
    fetched(tmp_path)
    (entry,) = entries(tmp_path)
    facts = json.loads((entry / ENTRY).read_bytes())
    assert facts["kind"] == "numbers"
    assert facts["key"].items() >= KEY.items()
    assert facts["seconds"] >= 0
    assert pa.ipc.open_file(entry / DATA).read_all() == TABLE


def test_a_hit_costs_what_the_producer_took(tmp_path, monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    first, second = Stopwatch(), Stopwatch()
    for watch in (first, second):
        with watching(watch), watch.stage("fit"), stage("inner"):
            fetched(tmp_path)
    assert (first.hits, first.credited) == (0, 0.0)
    assert (second.hits, second.credited) == (1, 1.0)
    assert second.seconds == {"fit": 3.0 + 1.0, "inner": 1.0}


def test_what_was_made_of_cached_things_counts_what_those_took(tmp_path, monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    fetched(tmp_path)  # takes a second
    for watch in (Stopwatch(), Stopwatch()):
        with watching(watch), enabled(tmp_path):
            cached("sums", KEY, lambda: fetched(tmp_path)[0])
    (entry,) = (tmp_path / "sums").iterdir()
    assert json.loads((entry / ENTRY).read_bytes())["seconds"] == 2.0
    assert watch.credited == 2.0


def test_a_stage_outside_of_cells_is_no_more_than_its_block():
    with stage("tokenize"):
        pass


@pytest.mark.parametrize(
    ("first", "second"), [([b"ab", b"c"], [b"a", b"bc"]), ([b""], []), ([b"a"], [b"a", b""])]
)
def test_a_digest_knows_where_each_part_ends(first, second):
    assert digest_of(first) != digest_of(second)
    assert digest_of(first) == digest_of(iter(first))

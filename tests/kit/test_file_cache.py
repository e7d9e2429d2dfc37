"""Large files that cells share: bounded, checked, and never in the way of a cell."""

from __future__ import annotations

import os
import shutil
import time
from collections import namedtuple

import pytest

from benchbench.kit import file_cache
from benchbench.kit.cache import ENTRY, enabled
from benchbench.kit.file_cache import cached_files
from benchbench.machine.fsio import TEMPORARY
from benchbench.machine.stopwatch import Stopwatch, watching

DATA = b"0123456789"


def fetched(folder, key="one", data=DATA, most=1000, size=None, made=None):
    """Ask the cache; return (the content of the file, how often it had to be made)."""
    made = [] if made is None else made

    def make(scratch):
        made.append(1)
        (scratch / "file").write_bytes(data)

    def read(entry):
        return (entry / "file").read_bytes()

    with enabled(folder):
        content = cached_files("large", {"key": key}, make, read, size=size or len(data), most=most)
    return content, len(made)


def entries(folder):
    return sorted(path for path in (folder / "large").iterdir())


def test_files_are_made_once_and_stay_the_same(tmp_path):
    assert fetched(tmp_path) == (DATA, 1)
    assert fetched(tmp_path, data=b"other") == (DATA, 0)
    assert fetched(tmp_path, key="two", data=b"other") == (b"other", 1)
    assert len(entries(tmp_path)) == 2


def test_outside_of_a_cache_nothing_is_made(tmp_path):
    assert fetched(None) == (None, 0)


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: (entry / "file").write_bytes(b"1" + DATA[1:]),
        lambda entry: (entry / "file").write_bytes(DATA[:-1]),
        lambda entry: (entry / "file").unlink(),
        lambda entry: (entry / ENTRY).write_bytes(b"{}"),
        lambda entry: (entry / ENTRY).write_bytes((entry / ENTRY).read_bytes()[:-5]),
        lambda entry: (entry / ENTRY).unlink(),
    ],
    ids=["changed", "cut", "file gone", "entry empty", "entry cut", "entry gone"],
)
def test_a_damaged_entry_is_made_again(tmp_path, damage):
    fetched(tmp_path)
    [entry] = entries(tmp_path)
    damage(entry)
    assert fetched(tmp_path) == (DATA, 1)
    assert fetched(tmp_path) == (DATA, 0)


def test_an_entry_under_another_name_is_not_taken_for_it(tmp_path):
    fetched(tmp_path)
    fetched(tmp_path, key="two", data=b"other")
    one, two = entries(tmp_path)
    contents = {path.name: (path / "file").read_bytes() for path in (one, two)}
    shutil.rmtree(two)
    shutil.copytree(one, two)
    key = "two" if contents[two.name] == b"other" else "one"
    assert fetched(tmp_path, key=key, data=contents[two.name]) == (contents[two.name], 1)


def test_what_was_used_least_recently_makes_room(tmp_path):
    for number, key in enumerate(("one", "two", "three")):
        fetched(tmp_path, key=key, most=10**6, data=bytes(1000))
        for entry in entries(tmp_path):
            os.utime(entry, (number, number)) if entry.stat().st_mtime > 100 else None
    assert fetched(tmp_path, key="one", most=10**6)[1] == 0  # used again just now
    taken = sum(file.stat().st_size for entry in entries(tmp_path) for file in entry.iterdir())
    fetched(tmp_path, key="four", most=taken, data=bytes(1000))
    assert [fetched(tmp_path, key=key, most=10**6)[1] for key in ("one", "four", "two")] == [
        0,
        0,
        1,
    ]


def test_what_is_larger_than_the_bound_is_not_made(tmp_path):
    assert fetched(tmp_path, most=5) == (None, 0)


def test_a_disk_that_would_be_nearly_full_keeps_nothing_and_it_is_noted(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(100, 85, 15))
    watch = Stopwatch()
    with watching(watch):
        assert fetched(tmp_path) == (None, 0)
    assert watch.cache_fault == "0 MiB would leave too little of the disk free"


def test_a_disk_that_is_full_keeps_nothing_and_leaves_nothing_behind(tmp_path):
    def make(scratch):
        (scratch / "file").write_bytes(b"begun")
        raise OSError(28, "No space left on device")

    watch = Stopwatch()
    with enabled(tmp_path), watching(watch):
        kept = cached_files("large", {}, make, lambda entry: pytest.fail("read"), size=1, most=10)
    assert kept is None
    assert watch.cache_fault == "No space left on device"
    assert entries(tmp_path) == []


def test_a_fault_of_the_work_itself_is_told_and_nothing_is_kept(tmp_path):
    def make(scratch):
        raise ValueError("of its own")

    with enabled(tmp_path), pytest.raises(ValueError, match="of its own"):
        cached_files("large", {}, make, lambda entry: None, size=1, most=10)
    assert entries(tmp_path) == []


def test_a_hit_costs_what_the_files_took(tmp_path):
    watch = Stopwatch()
    with watching(watch):
        fetched(tmp_path)
        assert watch.hits == 0
        fetched(tmp_path)
    assert watch.hits == 1
    assert watch.credited > 0


def test_another_process_may_be_first(tmp_path):
    def make(scratch):
        assert fetched(tmp_path, made=[]) == (DATA, 1)
        (scratch / "file").write_bytes(DATA)

    with enabled(tmp_path):
        content = cached_files(
            "large", {"key": "one"}, make, lambda entry: (entry / "file").read_bytes(),
            size=1, most=100,
        )  # fmt: skip
    assert content == DATA
    assert len(entries(tmp_path)) == 1


def test_an_entry_that_goes_away_between_check_and_use_is_made_again(tmp_path, monkeypatch):
    fetched(tmp_path)
    checked = file_cache._checked

    def and_then_gone(entry):
        monkeypatch.setattr(file_cache, "_checked", checked)
        seconds = checked(entry)
        shutil.rmtree(entry)
        return seconds

    monkeypatch.setattr(file_cache, "_checked", and_then_gone)
    assert fetched(tmp_path) == (DATA, 1)


def begun(folder, size, age=0.0):
    """Leave files behind as a process does that was ended while it wrote them."""
    path = folder / "large" / f"{TEMPORARY}{size}-{age}"
    path.mkdir(parents=True)
    (path / "file").write_bytes(bytes(size))
    for written in (path / "file", path):
        os.utime(written, (time.time() - age,) * 2)
    return path


def test_what_others_write_counts_and_is_left_alone(tmp_path):
    other = begun(tmp_path, size=600)
    assert fetched(tmp_path, data=bytes(500)) == (None, 0)
    assert fetched(tmp_path, data=bytes(300))[1] == 1
    assert other.exists()


def test_what_a_crash_has_left_behind_makes_room(tmp_path):
    left = begun(tmp_path, size=600, age=2 * file_cache.ABANDONED_SECONDS)
    assert fetched(tmp_path, data=bytes(500))[1] == 1
    assert not left.exists()


@pytest.mark.parametrize(("free", "removed"), [(20, False), (11, True)], ids=str)
def test_old_entries_make_room_where_the_disk_is_nearly_full(tmp_path, monkeypatch, free, removed):
    fetched(tmp_path, key="old")
    [old] = entries(tmp_path)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(100, 100 - free, free))
    assert fetched(tmp_path)[1] == 1
    assert old.exists() != removed


@pytest.mark.parametrize("error", [KeyError("another form"), OSError(5, "Input/output error")])
def test_what_cannot_be_read_is_removed_and_noted(tmp_path, error):
    fetched(tmp_path)

    def unreadable(entry):
        raise error

    watch = Stopwatch()
    with enabled(tmp_path), watching(watch):
        assert file_cache.find_files("large", {"key": "one"}, unreadable) is None
    assert entries(tmp_path) == []
    assert watch.cache_fault.startswith("what was kept cannot be read")


def test_a_device_without_memory_is_no_fault_of_what_was_kept(tmp_path):
    fetched(tmp_path)

    def short_of_memory(entry):
        raise MemoryError

    with enabled(tmp_path), pytest.raises(MemoryError):
        file_cache.find_files("large", {"key": "one"}, short_of_memory)
    assert len(entries(tmp_path)) == 1

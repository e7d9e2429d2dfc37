"""Durable writes: whole or not at all, first writer wins, whatever the disk does meanwhile."""

from __future__ import annotations

import errno
import os
import time
from itertools import count as numbers
from multiprocessing import get_context

import pytest

from benchbench.contract.errors import StoreError
from benchbench.machine import fsio
from tests.support.faults import counted, failing, killed_at, refuse_links

DATA = b"first bytes, " * 100
OTHER = b"other bytes, " * 100


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(params=["links", "no-links"])
def disk(request, monkeypatch):
    if request.param == "no-links":
        refuse_links(monkeypatch)
    return request.param


def test_the_first_writer_wins(tmp_path, disk):
    assert fsio.write_new(tmp_path / "a", DATA) is True
    assert fsio.write_new(tmp_path / "a", OTHER) is False
    assert (tmp_path / "a").read_bytes() == DATA
    assert names(tmp_path) == ["a"]


def test_replace_writes_over_what_stood_there(tmp_path):
    fsio.replace(tmp_path / "a", DATA)
    fsio.replace(tmp_path / "a", OTHER)
    assert (tmp_path / "a").read_bytes() == OTHER
    assert names(tmp_path) == ["a"]


def test_bytes_are_synced_before_they_are_seen_and_the_name_after(tmp_path):
    with counted() as calls:
        fsio.write_new(tmp_path / "a", DATA)
    expected = "open write fsync close link unlink open fsync close"
    assert calls.names == expected.split()
    with counted() as calls:
        fsio.replace(tmp_path / "a", DATA)
    expected = "open write fsync close replace open fsync close unlink"
    assert calls.names == expected.split()


def test_a_new_folders_name_is_synced_too(tmp_path):
    with counted() as calls:
        fsio.make_folder(tmp_path / "a" / "b")
    assert calls.names.count("fsync") == 2


def test_a_write_may_take_one_byte_at_a_time(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:1]))
    fsio.write_new(tmp_path / "a", DATA)
    fsio.replace(tmp_path / "b", DATA)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == DATA


ACTIONS = {
    "write_new": lambda folder: fsio.write_new(folder / "a", DATA),
    "replace": lambda folder: fsio.replace(folder / "a", DATA),
    "publish_file": lambda folder: fsio.publish_file(folder / "source", folder / "a"),
}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO], ids=errno.errorcode.get)
@pytest.mark.parametrize("persistent", [False, True], ids=["once", "from-then-on"])
@pytest.mark.parametrize("action", ACTIONS, ids=str)
def test_a_disk_that_fails_at_any_call_costs_one_line_and_nothing_half_written(
    tmp_path, action, number, persistent, disk
):
    for k in numbers(1):
        folder = tmp_path / str(k)
        folder.mkdir()
        (folder / "source").write_bytes(DATA)
        with failing(k, number, persistent) as calls:
            try:
                ACTIONS[action](folder)
            except StoreError as error:
                assert os.strerror(number) in str(error)
                assert "\n" not in str(error)
        seen = folder / "a"
        if seen.exists() and not (persistent and disk == "no-links"):
            assert seen.read_bytes() == DATA
        if not persistent:
            assert [name for name in names(folder) if name.startswith(fsio.TEMPORARY)] == [] or (
                calls.names[k - 1] == "unlink"
            )
        if action != "publish_file" and not seen.exists():
            ACTIONS[action](folder)
            assert seen.read_bytes() == DATA
        if len(calls.names) < k:
            break
    assert k > 5


def test_a_process_that_is_killed_at_any_call_leaves_whole_bytes_or_no_name(tmp_path):
    for k in numbers(1):
        folder = tmp_path / str(k)
        folder.mkdir()
        killed = killed_at(k, lambda folder=folder: fsio.write_new(folder / "a", DATA))
        if (folder / "a").exists():
            assert (folder / "a").read_bytes() == DATA
        else:
            assert fsio.write_new(folder / "a", DATA)
        if not killed:
            break
    assert k == 10


@pytest.mark.parametrize("number", fsio.NO_LINKS, ids=errno.errorcode.get)
def test_a_disk_without_links_is_written_all_the_same(tmp_path, monkeypatch, number):
    refuse_links(monkeypatch, number)
    assert fsio.write_new(tmp_path / "a", DATA) is True
    assert (tmp_path / "a").read_bytes() == DATA
    assert names(tmp_path) == ["a"]


def test_a_link_whose_answer_was_lost_is_ours(tmp_path, monkeypatch):
    link = os.link

    def lost(source, target):
        link(source, target)
        raise FileExistsError(errno.EEXIST, "File exists")

    monkeypatch.setattr(os, "link", lost)
    assert fsio.write_new(tmp_path / "a", DATA) is True
    assert (tmp_path / "a").read_bytes() == DATA


def _race(folder, number, barrier, results, links):
    if not links:

        def link(*arguments):
            raise OSError(errno.EPERM, "no links")

        os.link = link
    mine = f"writer {number} ".encode() * 1000
    won = []
    for turn in range(50):
        barrier.wait()
        won.append(fsio.write_new(folder / str(turn), mine))
    results.put((number, won))


@pytest.mark.parametrize("links", [True, False], ids=["links", "no-links"])
def test_of_two_processes_exactly_one_writes(tmp_path, links):
    context = get_context("fork")
    barrier, results = context.Barrier(2), context.SimpleQueue()
    pair = [
        context.Process(target=_race, args=(tmp_path, number, barrier, results, links))
        for number in (0, 1)
    ]
    for process in pair:
        process.start()
    won = dict(results.get() for _ in pair)
    for process in pair:
        process.join()
    for turn in range(50):
        assert won[0][turn] != won[1][turn]
        winner = 0 if won[0][turn] else 1
        assert (tmp_path / str(turn)).read_bytes() == f"writer {winner} ".encode() * 1000
    assert len(names(tmp_path)) == 50


def test_a_symlink_where_a_file_should_go_keeps_its_victim(tmp_path, disk):
    victim = tmp_path / "victim"
    victim.write_bytes(OTHER)
    (tmp_path / "a").symlink_to(victim)
    (tmp_path / "b").symlink_to(tmp_path / "nowhere")
    assert fsio.write_new(tmp_path / "a", DATA) is False
    assert fsio.write_new(tmp_path / "b", DATA) is False
    fsio.replace(tmp_path / "a", DATA)
    assert victim.read_bytes() == OTHER
    assert not (tmp_path / "nowhere").exists()
    assert not (tmp_path / "a").is_symlink()


@pytest.mark.parametrize("target", ["folder", "nowhere"])
def test_a_symlink_is_no_folder_of_ours(tmp_path, target):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / target)
    with pytest.raises(StoreError, match="symbolic link"):
        fsio.make_folder(tmp_path / "link")
    assert names(tmp_path) == ["folder", "link"]


def test_a_folder_below_a_file_is_told_in_one_line(tmp_path):
    (tmp_path / "file").write_bytes(DATA)
    for action in (
        lambda: fsio.make_folder(tmp_path / "file" / "folder"),
        lambda: fsio.write_new(tmp_path / "file" / "a", DATA),
        lambda: fsio.replace(tmp_path / "none" / "a", DATA),
    ):
        with pytest.raises(StoreError) as caught:
            action()
        assert "\n" not in str(caught.value)


def tree(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def make_tree(folder, data=DATA):
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "weights").write_bytes(data)
    (folder / "labels").write_bytes(data)
    return folder


def test_a_folder_is_published_once_and_its_source_is_gone(tmp_path):
    expected = tree(make_tree(tmp_path / "expected"))
    assert fsio.publish_folder(make_tree(tmp_path / "one"), tmp_path / "final") is True
    assert fsio.publish_folder(make_tree(tmp_path / "two", OTHER), tmp_path / "final") is False
    assert tree(tmp_path / "final") == expected
    assert names(tmp_path) == ["expected", "final"]


def test_a_folder_that_cannot_be_published_is_told_in_one_line(tmp_path):
    (tmp_path / "final").write_bytes(OTHER)
    with pytest.raises(StoreError, match="cannot be written"):
        fsio.publish_folder(make_tree(tmp_path / "one"), tmp_path / "final")
    assert (tmp_path / "final").read_bytes() == OTHER


def test_a_published_file_heals_what_a_disk_spoilt(tmp_path):
    (tmp_path / "final").write_bytes(b"")
    (tmp_path / "source").write_bytes(DATA)
    fsio.publish_file(tmp_path / "source", tmp_path / "final")
    assert (tmp_path / "final").read_bytes() == DATA
    assert names(tmp_path) == ["final"]


def test_the_writability_is_proved_and_leaves_nothing(tmp_path, disk):
    fsio.check_writable(tmp_path)
    assert names(tmp_path) == []


def test_a_read_only_disk_is_told_before_anything_is_spent(tmp_path):
    with failing(1, errno.EROFS, persistent=True), pytest.raises(StoreError, match="Read-only"):
        fsio.check_writable(tmp_path)


def aged(path, seconds):
    moment = time.time() - seconds
    os.utime(path, (moment, moment), follow_symlinks=False)
    return path


def test_a_sweep_takes_old_temporaries_of_ours_and_nothing_else(tmp_path):
    deep = tmp_path / "runs" / "cell"
    deep.mkdir(parents=True)
    day, fortnight = 24 * 3600, 14 * 24 * 3600
    kept = {"runs", "record.json", f"{fsio.TEMPORARY}young", f"{fsio.TEMPORARY}at-work"}
    (deep / f"{fsio.TEMPORARY}old").write_bytes(DATA)
    aged(deep / f"{fsio.TEMPORARY}old", day)
    (tmp_path / f"{fsio.TEMPORARY}young").write_bytes(DATA)
    (tmp_path / "record.json").write_bytes(DATA)
    aged(tmp_path / "record.json", fortnight)
    for name, age in (("at-work", day), ("left-behind", fortnight)):
        aged(make_tree(tmp_path / f"{fsio.TEMPORARY}{name}"), age)
    fsio.sweep(tmp_path)
    assert set(names(tmp_path)) == kept
    assert names(deep) == []


def test_a_sweep_does_not_follow_links(tmp_path):
    victim = make_tree(tmp_path / "victim")
    before = tree(victim)
    store = tmp_path / "store"
    store.mkdir()
    (store / f"{fsio.TEMPORARY}folder").symlink_to(victim)
    (store / f"{fsio.TEMPORARY}file").symlink_to(victim / "labels")
    (store / "runs").symlink_to(victim)
    (victim / f"{fsio.TEMPORARY}x").write_bytes(DATA)
    for path in (*store.iterdir(), victim / f"{fsio.TEMPORARY}x"):
        aged(path, 30 * 24 * 3600)
    fsio.sweep(store)
    assert tree(victim) == {**before, f"{fsio.TEMPORARY}x": DATA}


def test_what_is_corrupt_is_set_aside_under_a_name_of_its_own(tmp_path):
    for expected in ("a.json.bad", "a.json.bad-2", "a.json.bad-3"):
        (tmp_path / "a.json").write_bytes(DATA)
        assert fsio.set_aside(tmp_path / "a.json").name == expected
    assert len(names(tmp_path)) == 3

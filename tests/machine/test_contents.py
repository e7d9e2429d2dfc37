"""A manifest shows every change of the files beside it."""

from __future__ import annotations

import os

import pytest

from benchbench.machine.contents import CONTENTS, content_fault, file_names, stamp, write_contents


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a").write_bytes(b"first" * 300_000)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b").write_bytes(b"")
    write_contents(tmp_path, file_names(tmp_path))
    return tmp_path


def test_files_that_nobody_changed_are_whole(folder):
    assert file_names(folder) == ["a", "deep/b"]
    assert content_fault(folder, file_names(folder)) == ""


@pytest.mark.parametrize("at", [0, 131_071, 131_072, 1_499_999])
def test_a_changed_byte_is_found_in_every_piece(folder, at):
    data = bytearray((folder / "a").read_bytes())
    data[at] ^= 1
    (folder / "a").write_bytes(data)
    assert content_fault(folder, file_names(folder)) == "a was changed after it was written"


def test_a_file_more_a_file_less_and_a_longer_one_are_found(folder):
    (folder / "more").write_bytes(b"")
    assert "contents.json was changed" in content_fault(folder, file_names(folder))
    (folder / "more").unlink()
    (folder / "deep" / "b").write_bytes(b"x")
    assert "deep/b was changed" in content_fault(folder, ["a", "deep/b"])
    (folder / "deep" / "b").unlink()
    assert "b cannot be read: No such file" in content_fault(folder, ["a", "deep/b"])


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"files": {}, "sha256": "0"}', "[" * 9999]
)
def test_a_manifest_that_is_none_is_a_fault_and_not_an_exception(folder, text):
    (folder / CONTENTS).write_text(text)
    assert content_fault(folder, file_names(folder))


def test_a_stamp_shows_a_change_that_keeps_size_and_time(folder):
    names = file_names(folder)
    before, times = stamp(folder, names), (folder / "a").stat()
    assert before == stamp(folder, names) != ()
    (folder / "a").write_bytes(b"other" * 300_000)
    os.utime(folder / "a", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert stamp(folder, names) != before
    (folder / "a").unlink()
    assert stamp(folder, names) == ()

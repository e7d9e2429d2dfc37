"""A regular file is read; a folder, a pipe, a device and a large file are errors at once."""

from __future__ import annotations

import os

import pytest

from benchbench.machine import read_regular


def test_a_regular_file_is_read_up_to_its_limit(tmp_path):
    (tmp_path / "file").write_bytes(b"12345")
    assert read_regular(tmp_path / "file", 5) == b"12345"
    with pytest.raises(OSError, match="more than"):
        read_regular(tmp_path / "file", 4)


def test_what_is_no_regular_file_is_an_error_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "device", tmp_path / "none"):
        with pytest.raises(OSError):
            read_regular(path, 5)

"""A folder is trusted only if no other user may write to it."""

from __future__ import annotations

import os

import pytest

from benchbench import BenchbenchError
from benchbench.machine.private_folder import is_private, open_private


def test_a_new_folder_is_this_users_alone_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        assert open_private(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    finally:
        os.umask(before)
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    assert is_private(tmp_path / "a" / "b")


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702, 0o1777])
def test_a_folder_that_others_may_write_to_is_refused(tmp_path, mode):
    tmp_path.chmod(mode)
    with pytest.raises(BenchbenchError, match=f"other users .mode {mode & 0o777:04o}"):
        open_private(tmp_path)
    assert not is_private(tmp_path)


def test_a_folder_that_others_may_only_read_is_accepted(tmp_path):
    tmp_path.chmod(0o755)
    assert open_private(tmp_path) == tmp_path


def test_a_folder_of_another_user_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(BenchbenchError, match="belongs to another user"):
        open_private(tmp_path)
    assert not is_private(tmp_path)


def test_a_link_a_file_and_nothing_are_no_private_folders(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for name in ("file", "link"):
        with pytest.raises(BenchbenchError) as caught:
            open_private(tmp_path / name)
        assert "\n" not in str(caught.value)
    assert [is_private(tmp_path / name) for name in ("file", "link", "none", "real")] == [
        False, False, False, True,
    ]  # fmt: skip


def test_a_folder_that_may_not_be_read_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(BenchbenchError, match="you lack the permission"):
        open_private(tmp_path)

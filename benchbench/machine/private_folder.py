"""A folder that no other user may write to. What a cache holds decides numbers."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from benchbench.contract import StoreError
from benchbench.machine import fsio

OTHERS_MAY_WRITE = 0o022


def open_private(path: Path) -> Path:
    """Return a folder of this user, made with mode 0700 if it does not exist.

    Raises StoreError where it is a link, belongs to another user, may be written by others, or
    cannot be used by this one.
    """
    if fault := _fault(fsio.make_folder(path, 0o700)):
        raise StoreError(f"{path} {fault}.")
    return path


def is_private(path: Path) -> bool:
    """Say whether a folder exists and is this user's alone to write to."""
    return not _fault(path)


def _fault(path: Path) -> str:
    try:
        status = path.lstat()
    except OSError as error:
        return f"cannot be used: {fsio.reason_of(error)}"
    if not stat.S_ISDIR(status.st_mode):
        return "is not a folder"
    if status.st_uid != os.geteuid():
        return "belongs to another user, so its files are not trusted"
    if status.st_mode & OTHERS_MAY_WRITE:
        return (
            f"may be written by other users (mode {status.st_mode & 0o777:04o}), so its files are "
            "not trusted; delete it, or 'chmod 700' it if only you wrote to it"
        )
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return "cannot be used: you lack the permission to read it or to write to it"
    return ""

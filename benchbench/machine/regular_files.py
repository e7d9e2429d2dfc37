"""Reading files that may come from anybody: no pipe is waited for, no device is read."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def check_regular(path: Path, most: int | None = None) -> None:
    """Raise OSError unless `path` is a regular file of at most `most` bytes."""
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    if most is not None and found.st_size > most:
        raise OSError(errno.EFBIG, f"it is larger than {most / 2**20:,.0f} MiB", str(path))


def read_regular(path: Path, most: int) -> bytes:
    """Return the bytes of a regular file; raise OSError for any other, or a larger one."""
    check_regular(path, most)
    return path.read_bytes()

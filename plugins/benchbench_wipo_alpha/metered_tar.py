"""A tar file that is unpacked while it is read, with limits that stop a bomb."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import BinaryIO

from benchbench import LoaderError

MEMBER_BYTES = 1 << 30
TOTAL_BYTES = 5 << 30
MEMBERS = 200_000
RATIO = 100
RATIO_FREELY = 1000
"""The ratio allowed below FREELY bytes: small files with few different words pack very well."""
FREELY = 10_000_000
TRAILER = 1024
GZIP = b"\x1f\x8b"


class MeteredTar:
    """A stream of a tar file's bytes, gzipped or not, that raises LoaderError for a bomb."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        """Find out whether the file is gzipped."""
        self._path = path
        self._packed = file
        start = file.read(2)
        file.seek(0)
        self._file = gzip.GzipFile(fileobj=file) if start == GZIP else file
        self._size = 0
        self._tail = b""

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        data = self._file.read(size)
        self._size += len(data)
        self._tail = (self._tail + data[-TRAILER:])[-TRAILER:]
        ratio = RATIO if self._size > FREELY else RATIO_FREELY
        if self._size > TOTAL_BYTES:
            raise LoaderError(
                f"{self._path}: unpacks to more than {TOTAL_BYTES >> 30} GiB; give the folder "
                "instead"
            )
        if self._size > FREELY and self._size > ratio * self._packed.tell():
            raise LoaderError(
                f"{self._path}: unpacks to more than {ratio} times its size; give the folder "
                "instead"
            )
        return data

    def check_end(self) -> None:
        """Raise EOFError where the blocks of zeros at the end of every tar file are missing."""
        while self.read(1 << 20):
            pass
        if self._tail != bytes(TRAILER):
            raise EOFError("the end is missing")

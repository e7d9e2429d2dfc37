"""A tar file unpacked as it is read, which stops before a bomb goes off."""

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
"""Allowed below FREELY bytes: a small file of few words packs very well."""
FREELY = 10_000_000
TRAILER = 1024
GZIP = b"\x1f\x8b"


class Metered:
    """The bytes of a tar file, gzipped or not, counted. Raises LoaderError for a bomb."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        """Look whether the file is gzipped."""
        self._path = path
        self._packed = file
        start = file.read(2)
        file.seek(0)
        self._file = gzip.GzipFile(fileobj=file) if start == GZIP else file
        self._given = 0
        self._tail = b""

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        data = self._file.read(size)
        self._given += len(data)
        self._tail = (self._tail + data[-TRAILER:])[-TRAILER:]
        ratio = RATIO if self._given > FREELY else RATIO_FREELY
        if self._given > TOTAL_BYTES:
            raise LoaderError(
                f"{self._path}: holds more than {TOTAL_BYTES >> 30} GiB; give the folder instead"
            )
        if self._given > FREELY and self._given > ratio * self._packed.tell():
            raise LoaderError(f"{self._path}: unpacks to more than {ratio} times its size")
        return data

    def check_end(self) -> None:
        """Raise EOFError where the blocks of zeros are missing that end every tar file."""
        while self.read(1 << 20):
            pass
        if self._tail != bytes(TRAILER):
            raise EOFError("the end is missing")

"""A file on the disk: whether it can be read as a table, and its bytes."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from benchbench import LoaderError, Split
from benchbench_csv.other_files import refuse_content, refuse_name
from benchbench_csv.table_names import format_of

INFLATED_FREELY = 2**26
INFLATED_RATIO = 100
"""Text shrinks by a factor of 3 to 20. A gzip file that inflates past the first 64 MiB, and by a
larger factor than this, is a bomb."""
PIECE = 2**20
GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class TableFile:
    """A readable file and the split it holds. `name` is its path as the user wrote it."""

    path: Path
    role: Split
    name: str

    @property
    def format(self) -> str:
        """The format: csv, tsv, jsonl or parquet."""
        return format_of(self.path.name) or "csv"

    @property
    def zipped(self) -> bool:
        """Whether the file is gzipped, by its name or by its first bytes."""
        if self.path.suffix.lower() == ".gz":
            return True
        with self.path.open("rb") as file:
            return file.read(len(GZIP)) == GZIP


def find_table_file(name: str, role: Split) -> TableFile:
    """Return the file at the path `name`; raise LoaderError where it is no readable table."""
    try:
        file = Path(name).expanduser()
        if file.is_dir():
            raise LoaderError(f"{name}: this is a folder; give the path of a file in it")
        file.stat()
        if not file.is_file():
            raise LoaderError(f"{name}: not a regular file (a pipe or device); save it as a file")
        if format_of(name) is None:
            refuse_name(name)
        with file.open("rb"):
            return TableFile(file, role, name)
    except FileNotFoundError:
        raise LoaderError(f"{name}: no such file; check the path of the {role} file") from None
    except (OSError, ValueError, RuntimeError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise LoaderError(f"{name}: cannot be read ({reason}); check its permissions") from None


def digest(table: TableFile) -> str:
    """Return the sha256 of the file's bytes; raise LoaderError where the disk gives none."""
    try:
        with table.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        reason = error.strerror or error
        raise LoaderError(f"{table.name}: cannot be read ({reason}); check its disk") from None


@contextmanager
def open_bytes(table: TableFile) -> Iterator[io.BufferedReader[Any]]:
    """Open the file for reading bytes, inflated where it is gzipped.

    Raises LoaderError where the first bytes are those of another kind of file.
    """
    with table.path.open("rb") as file:
        if not table.zipped:
            refuse_content(table.name, table.format, file.peek(2**16))
            yield file
            return
        with io.BufferedReader(_Inflated(table, file), 2**16) as inflated:
            refuse_content(table.name, table.format, inflated.peek(2**16))
            yield inflated


class _Inflated(io.RawIOBase):
    """The inflated bytes of a gzip file; a damaged file raises a LoaderError that names it."""

    def __init__(self, table: TableFile, file: IO[bytes]) -> None:
        self._name = table.name
        self._refuse_bomb(file, table.path.stat().st_size)
        self._gzip = gzip.GzipFile(fileobj=file, mode="rb")

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill `buffer`; return the number of bytes read."""
        try:
            return self._gzip.readinto(buffer)
        except EOFError:
            raise LoaderError(
                f"{self._name}: the gzip archive is cut short; copy or download it again"
            ) from None
        except (OSError, zlib.error) as error:
            raise LoaderError(
                f"{self._name}: the gzip archive is damaged ({error}); copy or download it again"
            ) from None

    def _refuse_bomb(self, file: IO[bytes], packed: int) -> None:
        """Raise LoaderError for a bomb. To inflate takes seconds, and to read its rows minutes."""
        inflated, most = 0, max(INFLATED_FREELY, INFLATED_RATIO * packed)
        archive = gzip.GzipFile(fileobj=file, mode="rb")
        with suppress(OSError, EOFError, zlib.error):  # reading the rows tells of damage
            while (size := len(archive.read1(PIECE))) and inflated <= most:
                inflated += size
        file.seek(0)
        if inflated > most:
            raise LoaderError(
                f"{self._name}: the gzip archive inflates to more than {INFLATED_RATIO} times its "
                "size; unpack it yourself if that is intended"
            )

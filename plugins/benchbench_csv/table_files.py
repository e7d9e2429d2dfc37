"""A file on the disk: whether it can be read, its bytes, its lines of text."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from benchbench import LoaderError, Split

FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
LINE_LIMIT = 64 * 2**20
"""Most characters in a line. Fields are bounded by far less; this bounds the read itself."""
INFLATED_FREELY = 2**30
INFLATED_RATIO = 200
"""Text shrinks by a factor of 3 to 20. A gzip file that inflates past the first GiB by a larger
factor than this is a bomb."""
CONTROLS = re.compile("[\x80-\x9f]")


@dataclass(frozen=True, slots=True)
class TableFile:
    """A readable file and the split it holds."""

    path: Path
    role: Split

    @property
    def format(self) -> str:
        """The format: csv, tsv, jsonl or parquet."""
        return format_of(self.path.name) or "csv"

    @property
    def zipped(self) -> bool:
        """Whether the file is gzipped."""
        return self.path.suffix.lower() == ".gz"


def format_of(name: str) -> str | None:
    """Return the format of a file name's suffix, or None."""
    path = Path(name.lower())
    return FORMATS.get((path.with_suffix("") if path.suffix == ".gz" else path).suffix)


def find_table_file(path: str, role: Split) -> TableFile:
    """Return the file at `path`; raise LoaderError where it cannot be read as a table."""
    file = Path(path).expanduser()
    if format_of(path) is None:
        known = ", ".join(FORMATS)
        raise LoaderError(f"{path}: unknown kind of file; give one of {known}, each also as .gz")
    try:
        if file.is_dir():
            raise LoaderError(f"{path}: this is a folder; give the path of a file in it")
        file.stat()
        if not file.is_file():
            raise LoaderError(f"{path}: not a regular file (a pipe or device); save it as a file")
        with file.open("rb"):
            return TableFile(file, role)
    except FileNotFoundError:
        raise LoaderError(f"{path}: no such file; check the path of the {role} file") from None
    except (OSError, ValueError) as error:
        raise LoaderError(f"{path}: cannot be read ({error}); check its permissions") from None


def digest(table: TableFile) -> str:
    """Return the sha256 of the file's bytes."""
    with table.path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def open_bytes(table: TableFile) -> Iterator[IO[bytes]]:
    """Open the file for reading bytes, inflated where it is gzipped."""
    with table.path.open("rb") as file:
        if table.zipped:
            with io.BufferedReader(_Inflated(table.path, file)) as inflated:
                yield inflated
        else:
            yield file


def text_lines(table: TableFile, encoding: str) -> Iterator[str]:
    """Yield the lines of the file with their line ends; a byte order mark overrides `encoding`.

    Raises LoaderError, which names the line, for a byte that does not decode, for a NUL, and for a
    control character that shows a wrong `encoding`.
    """
    with open_bytes(table) as file:
        chosen = _encoding(table, file, encoding)
        single_byte = not chosen.startswith("utf")
        lines = io.TextIOWrapper(file, encoding=chosen, newline="")
        number = 0
        try:
            while line := lines.readline(LINE_LIMIT):
                number += 1
                fault = _fault(line, single_byte, chosen)
                if fault:
                    raise LoaderError(f"{table.path}:{number}: {fault}")
                yield line
        except UnicodeError:
            raise LoaderError(_undecodable(table, chosen)) from None
        except OSError as error:
            raise LoaderError(f"{table.path}:{number + 1}: {error}; try again") from None


def _fault(line: str, single_byte: bool, encoding: str) -> str:
    """Return why this cannot be a line of text, empty where it can."""
    if len(line) >= LINE_LIMIT:
        return f"a line has {LINE_LIMIT} characters or more; check that this is a text file"
    if "\0" in line:
        return (
            "the line holds a NUL character; remove it, or set encoding=utf-16-le for a UTF-16 file"
        )
    if single_byte and (control := CONTROLS.search(line)):
        return (
            f"the control character {control[0]!a} shows that the file is not {encoding}; "
            "set its encoding, often encoding=cp1252"
        )
    return ""


def _encoding(table: TableFile, file: IO[bytes], encoding: str) -> str:
    """Return the encoding of the byte order mark, else `encoding`."""
    try:
        name = codecs.lookup(encoding).name
        "".encode(encoding)
    except (LookupError, ValueError):
        raise LoaderError(
            f"{table.path}: unknown encoding '{encoding}'; set one that Python knows, e.g. cp1252"
        ) from None
    start = file.peek(4)[:4] if isinstance(file, io.BufferedReader) else b""
    if start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    return name


def _undecodable(table: TableFile, encoding: str) -> str:
    """Return the message about the first byte that does not decode, with its line."""
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)(), True)
    line, offset = 1, 0
    with open_bytes(table) as file:
        while chunk := file.read(2**16):
            state = decoder.getstate()
            try:
                line += decoder.decode(chunk).count("\n")
                offset += len(chunk)
                continue
            except UnicodeError:
                decoder.setstate(state)
            for byte in chunk:
                try:
                    line += decoder.decode(bytes([byte])).count("\n")
                    offset += 1
                except UnicodeError:
                    return (
                        f"{table.path}:{line}: byte {byte:#04x} at offset {offset} is not "
                        f"{encoding}; save the file as UTF-8, or set its encoding=, e.g. cp1252"
                    )
    return (
        f"{table.path}:{line}: the file ends inside a {encoding} character; copy or download it "
        "again"
    )


class _Inflated(io.RawIOBase):
    """The inflated bytes of a gzip file; a damaged file raises a LoaderError that names it."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self._path = path
        self._packed_size = path.stat().st_size
        self._gzip = gzip.GzipFile(fileobj=file, mode="rb")
        self._inflated_size = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill `buffer`; return the number of bytes read."""
        try:
            size = self._gzip.readinto(buffer)
        except EOFError:
            raise LoaderError(
                f"{self._path}: the gzip archive is cut short; copy or download it again"
            ) from None
        except (OSError, zlib.error) as error:
            raise LoaderError(
                f"{self._path}: the gzip archive is damaged ({error}); copy or download it again"
            ) from None
        self._inflated_size += size
        if self._inflated_size > max(INFLATED_FREELY, INFLATED_RATIO * self._packed_size):
            raise LoaderError(
                f"{self._path}: the gzip archive inflates to more than {INFLATED_RATIO} times its "
                "size; unpack it yourself if that is intended"
            )
        return size

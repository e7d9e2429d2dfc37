"""A file as it lies on the disk: whether it can be read at all, its bytes, its lines of text."""

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
"""Characters in a line. A field is bounded by far less; this bounds what is read to find out."""
INFLATED_FREELY = 2**30
INFLATED_RATIO = 200
"""Text shrinks by 3 to 20; a gzip file past the first gibibyte that grows by more is a bomb."""
CONTROLS = re.compile("[\x80-\x9f]")


@dataclass(frozen=True, slots=True)
class Source:
    """A readable file and the split it stands for."""

    path: Path
    role: Split

    @property
    def format(self) -> str:
        """Return csv, tsv, jsonl or parquet."""
        return format_of(self.path.name) or "csv"

    @property
    def zipped(self) -> bool:
        """Say whether the file is gzipped."""
        return self.path.suffix.lower() == ".gz"


def format_of(name: str) -> str | None:
    """Return the format that a file name's suffix stands for, or None."""
    path = Path(name.lower())
    return FORMATS.get((path.with_suffix("") if path.suffix == ".gz" else path).suffix)


def find_source(path: str, role: Split) -> Source:
    """Return the file at `path`; raise LoaderError where it cannot be read as a table."""
    found = Path(path).expanduser()
    if format_of(path) is None:
        known = ", ".join(FORMATS)
        raise LoaderError(f"{path}: unknown kind of file; give one of {known}, each also as .gz")
    try:
        if found.is_dir():
            raise LoaderError(f"{path}: this is a folder; give a file in it")
        found.stat()
        if not found.is_file():
            raise LoaderError(f"{path}: not a regular file (a pipe or device); save it as a file")
        with found.open("rb"):
            return Source(found, role)
    except FileNotFoundError:
        raise LoaderError(f"{path}: no such file; check the {role} path") from None
    except (OSError, ValueError) as error:
        raise LoaderError(f"{path}: cannot be read ({error}); check its permissions") from None


def digest(source: Source) -> str:
    """Return the sha256 of the file's bytes."""
    with source.path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def opened(source: Source) -> Iterator[IO[bytes]]:
    """Open the file's bytes, inflated where it is gzipped."""
    with source.path.open("rb") as file:
        if source.zipped:
            with io.BufferedReader(_Inflated(source.path, file)) as inflated:
                yield inflated
        else:
            yield file


def text_lines(source: Source, encoding: str) -> Iterator[str]:
    """Yield the lines of the file, ends kept; a byte order mark decides before `encoding`.

    Raises LoaderError naming the line of a byte that does not decode, of a NUL, or of a control
    character that shows a wrong `encoding`.
    """
    with opened(source) as file:
        chosen = _encoding(source, file, encoding)
        single_byte = not chosen.startswith("utf")
        lines = io.TextIOWrapper(file, encoding=chosen, newline="")
        number = 0
        try:
            while line := lines.readline(LINE_LIMIT):
                number += 1
                fault = _fault(line, single_byte, chosen)
                if fault:
                    raise LoaderError(f"{source.path}:{number}: {fault}")
                yield line
        except UnicodeError:
            raise LoaderError(_undecodable(source, chosen)) from None
        except OSError as error:
            raise LoaderError(f"{source.path}:{number + 1}: {error}; try again") from None


def _fault(line: str, single_byte: bool, encoding: str) -> str:
    """Say why no line of text can look like this, if so."""
    if len(line) >= LINE_LIMIT:
        return f"a line of {LINE_LIMIT} characters or more; check that this is a text file"
    if "\0" in line:
        return "a NUL character; remove it, or give encoding=utf-16-le if the file is UTF-16"
    if single_byte and (control := CONTROLS.search(line)):
        return (
            f"the control character {control[0]!a} shows that the file is not {encoding}; "
            "give its encoding, which often is encoding=cp1252"
        )
    return ""


def _encoding(source: Source, file: IO[bytes], given: str) -> str:
    """Return the encoding to decode with: that of the byte order mark, else `given`."""
    try:
        name = codecs.lookup(given).name
        "".encode(given)
    except (LookupError, ValueError):
        raise LoaderError(
            f"{source.path}: unknown encoding '{given}'; give one that Python knows, e.g. cp1252"
        ) from None
    start = file.peek(4)[:4] if isinstance(file, io.BufferedReader) else b""
    if start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    return name


def _undecodable(source: Source, encoding: str) -> str:
    """Describe the first byte that does not decode, and the line it stands in."""
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)(), True)
    line, offset = 1, 0
    with opened(source) as file:
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
                        f"{source.path}:{line}: byte {byte:#04x} at offset {offset} is not "
                        f"{encoding}; save the file as UTF-8, or give its encoding=, e.g. cp1252"
                    )
    return f"{source.path}:{line}: the file ends inside a {encoding} character; it is cut short"


class _Inflated(io.RawIOBase):
    """The bytes inside a gzip file; its faults are LoaderErrors that name the archive."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self._path = path
        self._size = path.stat().st_size
        self._inside = gzip.GzipFile(fileobj=file, mode="rb")
        self._given = 0

    def readable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill `buffer`; return how many bytes were there."""
        try:
            given = self._inside.readinto(buffer)
        except EOFError:
            raise LoaderError(
                f"{self._path}: the gzip archive is cut short; copy or download it again"
            ) from None
        except (OSError, zlib.error) as error:
            raise LoaderError(
                f"{self._path}: the gzip archive is damaged ({error}); copy or download it again"
            ) from None
        self._given += given
        if self._given > INFLATED_FREELY and self._given > INFLATED_RATIO * self._size:
            raise LoaderError(
                f"{self._path}: the gzip archive holds more than {INFLATED_RATIO} times its "
                "size; unpack it yourself if that is meant"
            )
        return given

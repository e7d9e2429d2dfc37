"""The lines of a text file, and what is said where its bytes are not text."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchbench import LoaderError
from benchbench_csv.table_files import TableFile, open_bytes

LINE_LIMIT = 64 * 2**20
"""Most characters in a line. Fields are bounded by far less; this bounds the read itself."""
CONTROLS = re.compile("[\x80-\x9f]")
BYTE_ORDER_MARK = "\ufeff"


@dataclass(slots=True)
class Utf8Lines:
    """How many lines with letters beyond ASCII are UTF-8, and how many are not."""

    valid: int = 0
    invalid: int = 0

    def add(self, line: bytes) -> None:
        """Count a line."""
        if line.isascii():
            return
        try:
            line.decode()
            self.valid += 1
        except UnicodeDecodeError:
            self.invalid += 1


def text_lines(table: TableFile, encoding: str) -> Iterator[str]:
    """Yield the lines of the file with their line ends; a byte order mark overrides `encoding`.

    Raises LoaderError, which names the line, for a byte that does not decode, for a NUL, and for
    a control character that shows a wrong `encoding`. It is raised after the last line where most
    lines are UTF-8 and `encoding` is another.
    """
    with open_bytes(table) as file:
        chosen = _encoding(table, file, encoding)
        other = not chosen.startswith("utf")
        lines = io.TextIOWrapper(file, encoding=chosen, newline="")
        number, counts = 0, Utf8Lines()
        try:
            while line := lines.readline(LINE_LIMIT):
                number += 1
                fault = _fault(line, other, chosen)
                if fault:
                    raise LoaderError(f"{table.name}:{number}: {fault}")
                if other and not line.isascii():
                    counts.add(line.encode(chosen))
                yield line if number > 1 else line.lstrip(BYTE_ORDER_MARK)
        except UnicodeError:
            raise LoaderError(_undecodable(table, chosen)) from None
        except OSError as error:
            raise LoaderError(f"{table.name}:{number + 1}: {error}; try again") from None
        if counts.valid > counts.invalid:
            raise LoaderError(
                f"{table.name}: the file is UTF-8 and not {chosen}: {counts.valid} of "
                f"{counts.valid + counts.invalid} lines beyond ASCII are; leave out encoding"
            )


def _fault(line: str, other: bool, encoding: str) -> str:
    """Return why this cannot be a line of text, empty where it can; `other` than Unicode."""
    if len(line) >= LINE_LIMIT:
        return (
            f"a line has {LINE_LIMIT} characters or more; check that this is a text file, and "
            "write one row per line"
        )
    if "\0" in line:
        return (
            "the line holds a NUL character; remove it, or set encoding=utf-16-le for a UTF-16 file"
        )
    if other and (control := CONTROLS.search(line)):
        return (
            f"the control character {control[0]!a} shows that the file is not {encoding}; "
            "set its encoding, often encoding=cp1252"
        )
    return ""


def _encoding(table: TableFile, file: io.BufferedReader[Any], encoding: str) -> str:
    """Return the encoding of the byte order mark, else `encoding`."""
    try:
        name = codecs.lookup(encoding).name
        "".encode(encoding)
    except (LookupError, ValueError):
        raise LoaderError(
            f"{table.name}: unknown encoding '{encoding}'; set one that Python knows, e.g. cp1252"
        ) from None
    start = file.peek(4)[:4]
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
                except UnicodeError as error:
                    if isinstance(error, UnicodeDecodeError):  # it may begin before this byte
                        offset += error.start + 1 - len(error.object)
                        byte = error.object[error.start]
                    return (
                        f"{table.name}:{line}: byte {byte:#04x} at offset {offset} is not "
                        f"{encoding}; {_remedy(table, encoding)}"
                    )
    return (
        f"{table.name}:{line}: the file ends inside a {encoding} character; copy or download it "
        "again"
    )


def _remedy(table: TableFile, encoding: str) -> str:
    """Return what to do about a byte that does not decode: it depends on all other lines."""
    counts = Utf8Lines()
    if encoding in ("utf-8", "utf-8-sig"):
        with open_bytes(table) as file:
            for line in file:
                counts.add(line)
    if not counts.valid:
        return "save the file as UTF-8, or set its encoding=, e.g. cp1252"
    most = "UTF-8" if counts.valid > counts.invalid else "in another encoding"
    return (
        f"the file is mostly {most}: of the lines beyond ASCII, {counts.valid} are UTF-8 and "
        f"{counts.invalid} not, so no encoding= reads them all; write them all in UTF-8"
    )

"""The records of a CSV or TSV file, with quotes strictly as RFC 4180 defines them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from benchbench import LoaderError
from benchbench_csv.cells import Cells
from benchbench_csv.column_names import find_columns
from benchbench_csv.read_settings import ReadSettings
from benchbench_csv.row_counts import RowCounts
from benchbench_csv.table_files import TableFile
from benchbench_csv.text_lines import text_lines

FIELD_LIMIT = 16 * 2**20
NEWLINE = re.compile(r"\r\n|\r|\n")
QUOTED = re.compile(r'"[^"]*(?:""[^"]*)*"')
ESCAPED = re.compile(r'\\([\\"])')
SEPARATOR_LINE = re.compile(r'"?sep=(?P<delimiter>[^\r\n"])"?[\r\n]*', re.IGNORECASE)
"""The first line by which Excel learns the delimiter of a file."""


def read_csv(
    table: TableFile, names: Sequence[str], settings: ReadSettings, counts: RowCounts
) -> Iterator[tuple[int, Cells]]:
    """Yield the records of a CSV or TSV file, by the names of their columns."""
    records = CsvRecords(table, settings)
    every = iter(records)
    begin, header = next(every, (0, None))
    if header is None:
        raise LoaderError(
            f"{table.name}: the file is empty; its first line must hold the column names"
        )
    columns = _columns(f"{table.name}:{begin}", names, header, records.delimiter)
    positions = [(name, header.index(column)) for name, column in columns.items()]
    for line, record in every:
        counts.seen += 1
        if len(record) == len(header):
            yield line, {name: record[position] for name, position in positions}
        else:
            counts.bad(
                table,
                line,
                f"expected {len(header)} fields, found {len(record)}; "
                "put quotes around fields that hold the delimiter",
            )


@dataclass(slots=True)
class CsvRecords:
    """The records of a file: (first line, fields); blank lines are left out.

    `pending` has the lines of the record that is being read, `begin` the number of its first.
    """

    table: TableFile
    settings: ReadSettings
    delimiter: str = ""
    pending: list[str] = field(default_factory=list)
    begin: int = 1

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Yield every record. Raises LoaderError, which names the line where a field begins."""
        lines = text_lines(self.table, self.settings.encoding)
        first = next(lines, "")
        self.delimiter, skipped = self._delimiter(first)
        limit = csv.field_size_limit(FIELD_LIMIT)
        try:
            fed = self._fed(first, lines, skipped)
            reader = csv.reader(fed, delimiter=self.delimiter, strict=True)
            while True:
                self.begin = reader.line_num + 1 + skipped
                self.pending.clear()
                record = next(reader, None)
                if record is None:
                    return
                if record:
                    yield self.begin, record
        except csv.Error as error:
            self._refuse_quoting(str(error))
        finally:
            csv.field_size_limit(limit)

    def _delimiter(self, first: str) -> tuple[str, bool]:
        """Return the delimiter, and whether the first line does no more than name it."""
        named = SEPARATOR_LINE.fullmatch(first)
        if self.settings.delimiter != "auto":
            return self.settings.delimiter, named is not None
        if named:
            return named["delimiter"], True
        return "\t" if self.table.format == "tsv" else ",", False

    def _fed(self, first: str, lines: Iterator[str], skipped: bool) -> Iterator[str]:
        """Yield the lines for the reader; stop inside a field before it swallows the file."""
        if first and not skipped:
            yield self._pend(first)
        for line in lines:
            text = self._pend(line)
            if len(self.pending) > self.settings.max_newlines + 1:
                self._refuse_runaway()
            yield text

    def _pend(self, line: str) -> str:
        r"""Return a line as the reader takes it: where backslashes escape, `\"` becomes `""`."""
        if self.settings.backslash:
            line = ESCAPED.sub(lambda found: '""' if found[1] == '"' else "\\", line)
        self.pending.append(line)
        return line

    def _refuse_runaway(self) -> None:
        """Raise LoaderError where the field before the last line holds too many newlines."""
        before, most = self.pending[:-1], self.settings.max_newlines
        offset = _last_field(before, self.delimiter)
        if len(before) - offset > most:
            raise LoaderError(
                f"{self.table.name}:{self.begin + offset}: a quoted field that begins here holds "
                f"more than {most} newlines; close its quote, or raise max_newlines if the field "
                "is right"
            )

    def _refuse_quoting(self, error: str) -> NoReturn:
        """Raise LoaderError that names the line where the wrong field begins."""
        where = f"{self.table.name}:{self.begin + _last_field(self.pending, self.delimiter)}"
        if "field limit" in error:
            fault = f"a field of more than {FIELD_LIMIT} characters begins here"
        elif "unexpected end" in error:
            fault = "a quoted field that begins here is never closed"
        else:
            fault = f"a quoted field that begins here is followed by other text ({error})"
        remedy = 'close the quote, and write a quote in a field as ""'
        if not self.settings.backslash and any(r"\"" in line for line in self.pending):
            remedy = r"if \" is a quote in this file, set csv.quote_escape=backslash"
        raise LoaderError(f"{where}: {fault}; {remedy}")


def _columns(
    where: str, names: Sequence[str], header: Sequence[str], delimiter: str
) -> Mapping[str, str]:
    """Map each name to its column. Raises LoaderError, which guesses at another delimiter."""
    try:
        return find_columns(where, names, header)
    except LoaderError as error:
        other = next((mark for mark in ";\t|," if mark in header[0]), "")
        if len(header) > 1 or not other or other == delimiter:
            raise
        raise LoaderError(f"{error} If the delimiter is {other!r}, set delimiter={other!r}.") from (
            None
        )


def _last_field(pending: Sequence[str], delimiter: str) -> int:
    """Return the line offset at which a strict reader's last field begins."""
    text = "".join(pending)
    position = 0
    while position < len(text):
        if text[position] == '"':
            quoted = QUOTED.match(text, position)
            if quoted is None or text[quoted.end() : quoted.end() + 1] != delimiter:
                break
            following = quoted.end()
        else:
            following = text.find(delimiter, position)
            if following == -1:
                break
        position = following + 1
    return len(NEWLINE.findall(text, 0, position))

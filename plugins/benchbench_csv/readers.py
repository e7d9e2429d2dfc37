"""The records of a file, one function per format: (line or row number, cell by column name)."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from benchbench import LoaderError
from benchbench.kit.data import Document
from benchbench_csv.columns import Cells, Columns, Literal, unknown_column
from benchbench_csv.csv_options import CsvOptions
from benchbench_csv.row_counts import BadRow, RowCounts
from benchbench_csv.table_files import TableFile, open_bytes, text_lines

FIELD_LIMIT = 16 * 2**20
NEWLINE = re.compile(r"\r\n|\r|\n")
QUOTED = re.compile(r'"[^"]*(?:""[^"]*)*"')


@dataclass(frozen=True, slots=True)
class ReadSettings:
    """How to read files, and the folder in which a file may be unpacked."""

    encoding: str
    delimiter: str
    max_newlines: int
    scratch: Path

    @classmethod
    def from_options(cls, options: CsvOptions, scratch: Path) -> ReadSettings:
        """Return the settings that the dataset's options ask for. Raises LoaderError."""
        delimiter = {"tab": "\t", "\\t": "\t"}.get(options.delimiter, options.delimiter)
        if delimiter != "auto" and (len(delimiter) != 1 or delimiter in '"\r\n\0'):
            raise LoaderError(
                f"csv.delimiter must be auto, tab or one character, found {options.delimiter!r}"
            )
        return cls(options.encoding, delimiter, options.max_newlines, scratch)


def read_rows(
    table: TableFile, columns: Columns, settings: ReadSettings, counts: RowCounts
) -> Iterator[Document]:
    """Yield the good rows of one file and count all rows in `counts`. Raises LoaderError."""
    before = counts.seen
    for line, cells in READERS[table.format](table, columns.names, settings, counts):
        try:
            fallback_id = f"{table.role}:{counts.seen - before}"
            row = columns.row(cells, fallback_id, counts.facts)
        except BadRow as fault:
            counts.bad(f"{table.path}:{line}", str(fault))
            continue
        counts.loaded += 1
        counts.labels.update(row.labels)
        yield row
    if counts.seen == before:
        raise LoaderError(f"{table.path}: 0 rows; give a file with at least one row")


def read_csv(
    table: TableFile, names: Sequence[str], settings: ReadSettings, counts: RowCounts
) -> Iterator[tuple[int, Cells]]:
    """Yield the records of a CSV or TSV file, with quotes strictly as RFC 4180 defines them."""
    auto = "\t" if table.format == "tsv" else ","
    delimiter = auto if settings.delimiter == "auto" else settings.delimiter
    records = _csv_records(table, settings, delimiter)
    _, header = next(records, (0, None))
    if header is None:
        raise LoaderError(
            f"{table.path}: the file is empty; its first line must hold the column names"
        )
    _check_header(f"{table.path}:1", header, names, delimiter)
    positions = [(name, header.index(name)) for name in names]
    for line, record in records:
        counts.seen += 1
        if len(record) == len(header):
            yield line, {name: record[position] for name, position in positions}
        else:
            counts.bad(
                f"{table.path}:{line}",
                f"expected {len(header)} fields, found {len(record)}; "
                "put quotes around fields that hold the delimiter",
            )


def read_jsonl(
    table: TableFile, names: Sequence[str], settings: ReadSettings, counts: RowCounts
) -> Iterator[tuple[int, Cells]]:
    """Yield the objects of a JSON Lines file; numbers stay as they were written."""
    for line, text in enumerate(text_lines(table, settings.encoding), start=1):
        if text.isspace():
            continue
        counts.seen += 1
        try:
            yield line, _json_cells(text, names)
        except BadRow as fault:
            counts.bad(f"{table.path}:{line}", str(fault))


def read_parquet(
    table: TableFile, names: Sequence[str], settings: ReadSettings, counts: RowCounts
) -> Iterator[tuple[int, Cells]]:
    """Yield the rows of a Parquet file, numbered from 1, a batch at a time."""
    import pyarrow.parquet as pq

    row = 0
    with _unpacked(table, settings.scratch) as path:
        try:
            with pq.ParquetFile(path, pre_buffer=False, buffer_size=2**20) as parquet:
                _check_header(str(table.path), parquet.schema_arrow.names, names)
                for batch in parquet.iter_batches(1000, columns=list(names)):
                    for cells in batch.to_pylist():
                        row += 1
                        counts.seen += 1
                        yield row, cells
        except LoaderError:
            raise
        except Exception as error:  # pyarrow raises many kinds of errors for a damaged file
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise LoaderError(
                f"{table.path}:{row + 1}: not a readable Parquet file ({reason}); write it again"
            ) from None


@contextmanager
def _unpacked(table: TableFile, scratch: Path) -> Iterator[Path]:
    """Yield the file's path; a gzipped file is unpacked into `scratch` while it is read."""
    if not table.zipped:
        yield table.path
        return
    path = scratch / "unpacked.parquet"
    try:
        with open_bytes(table) as file, path.open("wb") as unpacked:
            shutil.copyfileobj(file, unpacked, 2**20)
        yield path
    finally:
        path.unlink(missing_ok=True)


READERS: dict[
    str, Callable[[TableFile, Sequence[str], ReadSettings, RowCounts], Iterator[tuple[int, Cells]]]
] = {"csv": read_csv, "tsv": read_csv, "jsonl": read_jsonl, "parquet": read_parquet}


def _csv_records(
    table: TableFile, settings: ReadSettings, delimiter: str
) -> Iterator[tuple[int, list[str]]]:
    """Yield (first line, fields) of every record; blank lines are skipped."""
    pending: list[str] = []
    begin = 1

    def fed() -> Iterator[str]:
        for text in text_lines(table, settings.encoding):
            pending.append(text)
            # Stop inside a runaway field before it swallows the rest of the file.
            if len(pending) > settings.max_newlines + 1:
                _refuse_runaway(table, begin, pending, delimiter, settings.max_newlines)
            yield text

    limit = csv.field_size_limit(FIELD_LIMIT)
    try:
        reader = csv.reader(fed(), delimiter=delimiter, strict=True)
        while True:
            begin = reader.line_num + 1
            pending.clear()
            record = next(reader, None)
            if record is None:
                return
            if record:
                yield begin, record
    except csv.Error as error:
        _refuse_quoting(table, begin, pending, delimiter, str(error))
    finally:
        csv.field_size_limit(limit)


def _refuse_runaway(
    table: TableFile, begin: int, pending: Sequence[str], delimiter: str, most: int
) -> None:
    """Raise LoaderError where the field before the last line holds more than `most` newlines."""
    before = pending[:-1]
    offset = _last_field(before, delimiter)
    if len(before) - offset > most:
        raise LoaderError(
            f"{table.path}:{begin + offset}: a quoted field that begins here holds more than "
            f"{most} newlines; close its quote, or raise max_newlines if the field is right"
        )


def _refuse_quoting(
    table: TableFile, begin: int, pending: Sequence[str], delimiter: str, error: str
) -> NoReturn:
    """Raise LoaderError that names the line where the wrong field begins."""
    where = f"{table.path}:{begin + _last_field(pending, delimiter)}"
    if "field limit" in error:
        fault = f"a field of more than {FIELD_LIMIT} characters begins here"
    elif "unexpected end" in error:
        fault = "a quoted field that begins here is never closed"
    else:
        fault = f"a quoted field that begins here is followed by other text ({error})"
    raise LoaderError(f'{where}: {fault}; close the quote, and write a quote in a field as ""')


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


def _check_header(
    where: str, header: Sequence[str], names: Sequence[str], delimiter: str = ""
) -> None:
    """Raise LoaderError for a column that occurs twice and for one that is missing."""
    for name in header:
        if header.count(name) > 1:
            raise LoaderError(f"{where}: the column '{name}' occurs twice; rename one")
    for name in names:
        if name not in header:
            other = next((mark for mark in ";\t|," if mark in header[0]), "")
            lone = bool(delimiter) and len(header) == 1 and bool(other)
            hint = f" If the delimiter is {other!r}, set delimiter={other!r}." if lone else ""
            raise LoaderError(unknown_column(where, name, header, hint))


def _json_cells(text: str, names: Sequence[str]) -> Cells:
    """Return the JSON object of a line. Raises BadRow."""
    try:
        cells = json.loads(
            text,
            parse_int=Literal,
            parse_float=Literal,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object,
        )
    except RecursionError:
        raise BadRow("the JSON is nested too deeply; flatten it") from None
    except ValueError as error:
        raise BadRow(f"not valid JSON ({error})") from None
    if not isinstance(cells, dict):
        raise BadRow("expected a JSON object, found another JSON value")
    for name in names:
        if name not in cells:
            raise BadRow(unknown_column("in this object", name, list(cells)))
    return cells


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    cells = dict(pairs)
    if len(cells) < len(pairs):
        raise ValueError("a key occurs twice in one object")
    return cells


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")

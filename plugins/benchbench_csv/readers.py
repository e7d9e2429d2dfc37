"""Records of a file, one format a function: (line or row number, cell by column name)."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from benchbench import LoaderError, Params
from benchbench.kit.data import Document
from benchbench_csv.columns import Cells, Columns, Literal, unknown_column
from benchbench_csv.sources import Source, opened, text_lines
from benchbench_csv.tally import BadRow, Tally

FIELD_LIMIT = 16 * 2**20
NEWLINE = re.compile(r"\r\n|\r|\n")
QUOTED = re.compile(r'"[^"]*(?:""[^"]*)*"')


@dataclass(frozen=True, slots=True)
class Format:
    """How files are to be read, and where one may be unpacked."""

    encoding: str
    delimiter: str
    max_newlines: int
    scratch: Path

    @classmethod
    def of(cls, params: Params, scratch: Path) -> Format:
        """Return what a dataset's parameters say. Raises LoaderError."""
        given = str(params["delimiter"])
        delimiter = {"tab": "\t", "\\t": "\t"}.get(given, given)
        if delimiter != "auto" and (len(delimiter) != 1 or delimiter in '"\r\n\0'):
            raise LoaderError(f"csv.delimiter must be auto, tab or one character, found {given!r}")
        return cls(str(params["encoding"]), delimiter, int(params["max_newlines"]), scratch)


def read_rows(source: Source, columns: Columns, how: Format, tally: Tally) -> Iterator[Document]:
    """Yield the rows of one file; count the others in `tally`. Raises LoaderError."""
    before = tally.seen
    for line, cells in READERS[source.format](source, columns.wanted, how, tally):
        try:
            fallback_id = f"{source.role}:{tally.seen - before}"
            row = columns.row(cells, fallback_id, tally.facts)
        except BadRow as fault:
            tally.bad(f"{source.path}:{line}", str(fault))
            continue
        tally.loaded += 1
        tally.labels.update(row.labels)
        yield row
    if tally.seen == before:
        raise LoaderError(f"{source.path}: 0 rows; give a file with at least one")


def read_csv(
    source: Source, wanted: Sequence[str], how: Format, tally: Tally
) -> Iterator[tuple[int, Cells]]:
    """Yield the records of a CSV or TSV file: RFC 4180, quotes strictly by the rules."""
    auto = "\t" if source.format == "tsv" else ","
    delimiter = auto if how.delimiter == "auto" else how.delimiter
    records = _csv_records(source, how, delimiter)
    _, header = next(records, (0, None))
    if header is None:
        raise LoaderError(f"{source.path}: empty; a first line with column names is needed")
    _check_header(f"{source.path}:1", header, wanted, delimiter)
    positions = [(name, header.index(name)) for name in wanted]
    for line, record in records:
        tally.seen += 1
        if len(record) == len(header):
            yield line, {name: record[position] for name, position in positions}
        else:
            tally.bad(
                f"{source.path}:{line}",
                f"expected {len(header)} fields, found {len(record)}; "
                "quote fields that hold the delimiter",
            )


def read_jsonl(
    source: Source, wanted: Sequence[str], how: Format, tally: Tally
) -> Iterator[tuple[int, Cells]]:
    """Yield the objects of a file of JSON lines; numbers keep the text they were written with."""
    for line, text in enumerate(text_lines(source, how.encoding), start=1):
        if text.isspace():
            continue
        tally.seen += 1
        try:
            yield line, _json_cells(text, wanted)
        except BadRow as fault:
            tally.bad(f"{source.path}:{line}", str(fault))


def read_parquet(
    source: Source, wanted: Sequence[str], how: Format, tally: Tally
) -> Iterator[tuple[int, Cells]]:
    """Yield the rows of a Parquet file, numbered from 1, a batch at a time."""
    import pyarrow.parquet as pq

    path = source.path
    if source.zipped:
        path = how.scratch / "unpacked.parquet"
        with opened(source) as file, path.open("wb") as unpacked:
            shutil.copyfileobj(file, unpacked, 2**20)
    row = 0
    try:
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=2**20) as table:
            _check_header(str(source.path), table.schema_arrow.names, wanted)
            for batch in table.iter_batches(1000, columns=list(wanted)):
                for cells in batch.to_pylist():
                    row += 1
                    tally.seen += 1
                    yield row, cells
    except LoaderError:
        raise
    except Exception as error:  # a damaged file makes pyarrow raise errors of many kinds
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise LoaderError(
            f"{source.path}:{row + 1}: not a readable Parquet file ({reason}); write it again"
        ) from None
    finally:
        if source.zipped:
            path.unlink(missing_ok=True)


READERS: dict[
    str, Callable[[Source, Sequence[str], Format, Tally], Iterator[tuple[int, Cells]]]
] = {"csv": read_csv, "tsv": read_csv, "jsonl": read_jsonl, "parquet": read_parquet}


def _csv_records(source: Source, how: Format, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (line on which it begins, fields) of every record; blank lines are none."""
    pending: list[str] = []
    begin = 1
    most = how.max_newlines

    def fed() -> Iterator[str]:
        for text in text_lines(source, how.encoding):
            pending.append(text)
            # Stop inside a runaway field, before it has swallowed the file.
            if len(pending) > most + 1:
                _refuse_runaway(source, begin, pending, delimiter, most)
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
        _refuse_quoting(source, begin, pending, delimiter, str(error))
    finally:
        csv.field_size_limit(limit)


def _refuse_runaway(
    source: Source, begin: int, pending: Sequence[str], delimiter: str, most: int
) -> None:
    """Raise LoaderError where the field open before the last line holds more than `most`."""
    before = pending[:-1]
    offset = _last_field(before, delimiter)
    if len(before) - offset > most:
        raise LoaderError(
            f"{source.path}:{begin + offset}: a quoted field that begins here holds more than "
            f"{most} newlines; close its quote, or raise max_newlines if it is meant so"
        )


def _refuse_quoting(
    source: Source, begin: int, pending: Sequence[str], delimiter: str, error: str
) -> NoReturn:
    """Raise LoaderError naming the line where the field at fault began."""
    where = f"{source.path}:{begin + _last_field(pending, delimiter)}"
    if "field limit" in error:
        fault = f"a field of more than {FIELD_LIMIT} characters begins here"
    elif "unexpected end" in error:
        fault = "a quoted field that begins here is never closed"
    else:
        fault = f"a quoted field that begins here is followed by other text ({error})"
    raise LoaderError(f'{where}: {fault}; close the quote, and write a quote inside as ""')


def _last_field(pending: Sequence[str], delimiter: str) -> int:
    """Return the line offset at which the last field began that a strict reader got to."""
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
    where: str, header: Sequence[str], wanted: Sequence[str], delimiter: str = ""
) -> None:
    """Refuse a column that stands twice, and one that is asked for and not there."""
    for name in header:
        if header.count(name) > 1:
            raise LoaderError(f"{where}: the column '{name}' stands twice; rename one")
    for name in wanted:
        if name not in header:
            other = next((mark for mark in ";\t|," if mark in header[0]), "")
            lone = bool(delimiter) and len(header) == 1 and bool(other)
            hint = f" Is the delimiter another? Give delimiter={other!r}." if lone else ""
            raise LoaderError(unknown_column(where, name, header, hint))


def _json_cells(text: str, wanted: Sequence[str]) -> Cells:
    """Return the object that a line holds. Raises BadRow."""
    try:
        cells = json.loads(
            text,
            parse_int=Literal,
            parse_float=Literal,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object,
        )
    except RecursionError:
        raise BadRow("the JSON is nested too deeply") from None
    except ValueError as error:
        raise BadRow(f"not valid JSON ({error})") from None
    if not isinstance(cells, dict):
        raise BadRow("expected a JSON object, found another value")
    for name in wanted:
        if name not in cells:
            raise BadRow(unknown_column("in this object", name, list(cells)))
    return cells


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    cells = dict(pairs)
    if len(cells) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return cells


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")

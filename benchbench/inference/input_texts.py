"""New texts to predict, read from a file or a pipe a few at a time."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from benchbench.contract import BenchbenchError, Params

Form = Literal["csv", "jsonl", "parquet", "lines"]
FORMS: Mapping[str, Form] = {
    ".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet",
    ".txt": "lines",
}  # fmt: skip
"""What the ending of a file's name says of it."""
SEPARATORS = (",", ";", "\t", "|")
LONGEST_CELL = 2**31 - 1
ROWS_AT_ONCE = 4096
LINE_TEXT = "text"
"""The name of the column of a file that has a text per line."""


@dataclass(frozen=True, slots=True)
class InputText:
    """A text with the number of its row, from 1 on, and all cells of that row."""

    row: int
    text: str
    cells: Mapping[str, Any]


def form_of(path: Path | None, asked: str | None) -> Form:
    """Return the form of a file, by what was asked for or by its name; a pipe has lines."""
    if asked is not None:
        return next(form for form in FORMS.values() if form == asked)
    if path is None:
        return "lines"
    form = FORMS.get(path.suffix.lower())
    if form is None:
        known = ", ".join(FORMS)
        raise BenchbenchError(f"{path}: its name does not end in {known}; say --input-format.")
    return form


def text_columns(asked: str | None, dataset: Params) -> tuple[str, ...]:
    """Return the columns that make up a text: those asked for, else those of the training table."""
    given = asked if asked is not None else dataset.get("text")
    named = str(given) if given else LINE_TEXT
    parts = named.replace("\\,", "\0").split(",")
    return tuple(part.replace("\0", ",").strip() for part in parts)


def read_texts(
    path: Path | None, stream: BinaryIO, form: Form, columns: Sequence[str]
) -> Iterator[InputText]:
    """Yield the texts of a file, or of the stream where there is no path.

    A text of several columns is put together as at training: what is not blank, by newlines.
    Raises BenchbenchError, which names the row, where a column or a text is missing.
    """
    name = str(path or "standard input")
    rows = _parquet(path, stream, name) if form == "parquet" else _text_rows(form, stream, name)
    if form == "lines":
        columns = (LINE_TEXT,)
    for number, cells in enumerate(rows, start=1):
        yield InputText(number, _text(cells, columns, f"{name}, row {number}"), cells)


def _text(cells: Mapping[str, Any], columns: Sequence[str], where: str) -> str:
    parts = []
    for column in columns:
        if column not in cells:
            known = ", ".join(map(str, cells)) or "none"
            raise BenchbenchError(
                f"{where}: no column '{column}'; there are: {known}. Name the columns of the text "
                "with --text."
            )
        part = cells[column]
        if part is not None and not isinstance(part, str):
            kind = type(part).__name__
            raise BenchbenchError(f"{where}: '{column}' must be a text, found {kind}.")
        if part and not part.isspace():
            parts.append(part)
    if not parts:
        raise BenchbenchError(f"{where}: the text is empty ({', '.join(columns)}); remove the row.")
    return "\n".join(parts)


def _text_rows(form: Form, stream: BinaryIO, name: str) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a file of text; it must be UTF-8."""
    lines = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="" if form == "csv" else None)
    try:
        yield from {"csv": _csv, "jsonl": _jsonl}.get(form, _lines)(lines, name)
    except UnicodeDecodeError as error:
        found = f"byte {error.object[error.start]:#04x}"
        raise BenchbenchError(f"{name}: {found} is not UTF-8; save the file as UTF-8.") from error
    finally:
        with suppress(ValueError):  # the caller, to whom the stream belongs, has closed it
            lines.detach()


def _csv(lines: io.TextIOWrapper, name: str) -> Iterator[Mapping[str, Any]]:
    csv.field_size_limit(LONGEST_CELL)
    first = lines.readline()
    separator = max(SEPARATORS, key=first.count)
    try:
        header = next(csv.reader([first], delimiter=separator, strict=True), [])
        if len(set(header)) != len(header):
            raise BenchbenchError(f"{name}: two columns have the same name; rename one.")
        for number, cells in enumerate(csv.reader(lines, delimiter=separator, strict=True), 1):
            if not cells:
                continue
            if len(cells) != len(header):
                raise BenchbenchError(
                    f"{name}, row {number}: {len(cells)} cells, and the header has {len(header)}; "
                    "put cells that hold a separator or a line break into quotes."
                )
            yield dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise BenchbenchError(f"{name}: not a CSV file ({error}).") from error


def _jsonl(lines: io.TextIOWrapper, name: str) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(lines, start=1):
        if line.isspace():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise BenchbenchError(f"{name}, line {number}: not JSON ({error}).") from error
        if isinstance(row, str):
            row = {LINE_TEXT: row}
        if not isinstance(row, dict):
            raise BenchbenchError(
                f"{name}, line {number}: expected an object or a text, found {type(row).__name__}."
            )
        yield row


def _lines(lines: io.TextIOWrapper, name: str) -> Iterator[Mapping[str, Any]]:
    yield from ({LINE_TEXT: line.rstrip("\n")} for line in lines)


def _parquet(path: Path | None, stream: BinaryIO, name: str) -> Iterator[Mapping[str, Any]]:
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    if path is None:
        raise BenchbenchError("A Parquet file is read from a file and not from standard input.")
    try:
        for batch in ParquetFile(stream).iter_batches(ROWS_AT_ONCE):
            yield from batch.to_pylist()
    except ArrowException as error:
        reason = str(error).splitlines()[0]
        raise BenchbenchError(f"{name}: not a Parquet file ({reason}).") from error

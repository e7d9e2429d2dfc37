"""Predictions as rows of a table, written as CSV, JSON lines or Parquet a few at a time."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any, TypeVar

from benchbench.contract import BenchbenchError
from benchbench.inference.input_texts import InputText
from benchbench.inference.predictor import Prediction, Predictor

Item = TypeVar("Item")

FORMS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
JOINS = (";", "|", "\t", "\n")
"""What stands between the labels of a document in a cell, the first that is in no label."""
DIGITS = 6


@dataclass(frozen=True, slots=True)
class OutputColumns:
    """Which columns are written: `top` labels with their probabilities, and `keep` of the input.

    `keep` is None where all columns of the input are kept.
    """

    top: int = 0
    keep: Sequence[str] | None = ()

    def row(self, given: InputText, found: Prediction, *, multi_label: bool) -> dict[str, Any]:
        """Return the row of a text, with lists where a document may have several labels."""
        likely = dict(found.top)
        probable = [likely.get(label) for label in found.labels]
        names = given.cells if self.keep is None else self.keep
        kept = {name: given.cells.get(name) for name in names}
        row: dict[str, Any] = {"row": given.row, **kept}
        row["predicted"] = list(found.labels) if multi_label else found.labels[0]
        row["probability"] = _rounded(probable) if multi_label else _rounded(probable)[0]
        for place, (label, probability) in enumerate(found.top[: self.top], start=1):
            row |= {f"top_{place}": label, f"top_{place}_probability": _rounded([probability])[0]}
        return row


def output_form(path: Path | None, asked: str | None) -> str:
    """Return the form of the output, by what was asked for or by the file's name."""
    if asked is not None:
        return asked
    if path is None:
        return "csv"
    if path.suffix.lower() not in FORMS:
        raise BenchbenchError(
            f"{path}: its name does not end in {', '.join(FORMS)}; say --output-format."
        )
    return FORMS[path.suffix.lower()]


def write_predictions(
    predictor: Predictor, texts: Iterable[InputText], out: IO[Any], form: str,
    columns: OutputColumns,
) -> Iterator[int]:  # fmt: skip
    """Predict the texts and write a row for each; yield after each part how many are written.

    `out` takes bytes for Parquet, else text. No more than `predictor.chunk` texts are held.
    """
    multi_label = predictor.system.corpus.kind == "multi-label"
    writer = WRITERS[form](out, predictor)
    written = 0
    for part in _parts(texts, predictor.chunk):
        found = predictor.predict([given.text for given in part], max(1, columns.top))
        rows = [
            columns.row(given, prediction, multi_label=multi_label)
            for given, prediction in zip(part, found, strict=True)
        ]
        writer.write(rows)
        written += len(rows)
        yield written
    writer.close()


class CsvWriter:
    """Rows of a CSV file. The labels of a document stand in one cell."""

    def __init__(self, out: IO[str], predictor: Predictor) -> None:
        self._out = out
        self._join = _join(predictor.labels)
        self._writer: csv.DictWriter[str] | None = None

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows, and the header before the first."""
        if self._writer is None:
            self._writer = csv.DictWriter(self._out, list(rows[0]), lineterminator="\n")
            self._writer.writeheader()
        try:
            self._writer.writerows({name: self._cell(v) for name, v in row.items()} for row in rows)
        except ValueError as error:  # a JSON line that has other fields than the first
            raise BenchbenchError(f"The rows differ in their columns ({error}).") from error

    def close(self) -> None:
        """Write what is left: nothing."""

    def _cell(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return self._join.join("" if part is None else str(part) for part in value)


class JsonWriter:
    """Rows as one JSON object per line."""

    def __init__(self, out: IO[str], predictor: Predictor) -> None:
        self._out = out

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows."""
        self._out.writelines(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)

    def close(self) -> None:
        """Write what is left: nothing."""


class ParquetWriter:
    """Rows of a Parquet file; the first ones decide the types of its columns."""

    def __init__(self, out: IO[bytes], predictor: Predictor) -> None:
        self._out = out
        self._writer: Any = None

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows."""
        import pyarrow as pa
        from pyarrow import parquet

        schema = None if self._writer is None else self._writer.schema
        table = pa.Table.from_pylist(list(rows), schema=schema)
        if self._writer is None:
            self._writer = parquet.ParquetWriter(self._out, table.schema)
        self._writer.write_table(table)

    def close(self) -> None:
        """Write the end of the file."""
        if self._writer is not None:
            self._writer.close()


WRITERS: Mapping[str, Any] = {"csv": CsvWriter, "jsonl": JsonWriter, "parquet": ParquetWriter}


def _join(labels: Sequence[str]) -> str:
    return next((mark for mark in JOINS if not any(mark in label for label in labels)), JOINS[0])


def _rounded(probabilities: Iterable[float | None]) -> list[float | None]:
    return [None if value is None else round(value, DIGITS) for value in probabilities]


def _parts(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    source = iter(items)
    while part := list(islice(source, size)):
        yield part

"""The rows of a file, whatever its format is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from benchbench import LoaderError
from benchbench.kit.data import Document
from benchbench_csv.cells import Cells
from benchbench_csv.columns import Columns
from benchbench_csv.csv_records import read_csv
from benchbench_csv.json_records import read_json
from benchbench_csv.parquet_records import read_parquet
from benchbench_csv.read_settings import ReadSettings
from benchbench_csv.row_counts import BadRow, RowCounts
from benchbench_csv.table_files import TableFile

Reader = Callable[[TableFile, Sequence[str], ReadSettings, RowCounts], Iterator[tuple[int, Cells]]]
"""Yields the records of a file: (line or row number, cell by the name of its column)."""

READERS: dict[str, Reader] = {
    "csv": read_csv,
    "tsv": read_csv,
    "jsonl": read_json,
    "parquet": read_parquet,
}


def read_rows(
    table: TableFile, columns: Columns, settings: ReadSettings, counts: RowCounts
) -> Iterator[Document]:
    """Yield the good rows of one file and count all rows in `counts`. Raises LoaderError."""
    before = counts.seen
    for line, cells in READERS[table.format](table, columns.names, settings, counts):
        try:
            row = columns.row(cells, f"{table.role}:{counts.seen - before}", counts)
        except BadRow as fault:
            counts.bad(table, line, str(fault))
            continue
        counts.good(table, line, row.labels)
        yield row
    if counts.seen == before:
        raise LoaderError(f"{table.name}: 0 rows; give a file with at least one row")

"""The rows of a Parquet file, with the names that a ClassLabel column has for its numbers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench import LoaderError
from benchbench_csv.cells import Cells
from benchbench_csv.column_names import find_columns
from benchbench_csv.read_settings import ReadSettings
from benchbench_csv.row_counts import BadRow, RowCounts
from benchbench_csv.table_files import TableFile, open_bytes

if TYPE_CHECKING:
    import pyarrow as pa

ClassNames = Mapping[str, Sequence[str]]
"""The names of the classes of each ClassLabel column."""


def read_parquet(
    table: TableFile, names: Sequence[str], settings: ReadSettings, counts: RowCounts
) -> Iterator[tuple[int, Cells]]:
    """Yield the rows of a Parquet file, numbered from 1, a batch at a time."""
    import pyarrow.parquet as pq

    row = 0
    with _unpacked(table, settings.scratch) as path:
        try:
            with pq.ParquetFile(path, pre_buffer=False, buffer_size=2**20) as parquet:
                columns = find_columns(table.name, names, parquet.schema_arrow.names)
                classes = class_names(parquet.schema_arrow)
                for batch in parquet.iter_batches(1000, columns=list(columns.values())):
                    for cells in batch.to_pylist():
                        row += 1
                        counts.seen += 1
                        try:
                            yield row, _named(cells, columns, classes)
                        except BadRow as fault:
                            counts.bad(table, row, str(fault))
        except LoaderError:
            raise
        except Exception as error:  # pyarrow raises many kinds of errors for a damaged file
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise LoaderError(
                f"{table.name}:{row + 1}: not a readable Parquet file ({reason}); write it again"
            ) from None


def class_names(schema: pa.Schema) -> ClassNames:
    """Return the names that the library `datasets` wrote into the metadata of a schema."""
    try:
        metadata = json.loads((schema.metadata or {})[b"huggingface"])
        features = dict(metadata["info"]["features"])
    except (ValueError, KeyError, TypeError):
        return {}
    found = {column: _names(feature) for column, feature in features.items()}
    return {column: names for column, names in found.items() if names}


def _names(feature: Any) -> Sequence[str]:
    """Return the names of a ClassLabel, or of a list of them; empty for another feature."""
    while not isinstance(feature, Mapping) or "feature" in feature:
        if isinstance(feature, list) and len(feature) == 1:
            feature = feature[0]
        elif isinstance(feature, Mapping):
            feature = feature["feature"]
        else:
            return ()
    names = feature.get("names") if feature.get("_type") == "ClassLabel" else None
    return [str(name) for name in names] if isinstance(names, list) else ()


def _named(cells: Cells, columns: Mapping[str, str], classes: ClassNames) -> Cells:
    """Return the cells by the names that were asked for, classes by their names."""
    return {
        name: _class(name, cells[column], classes[column]) if column in classes else cells[column]
        for name, column in columns.items()
    }


def _class(name: str, cell: object, names: Sequence[str]) -> object:
    """Return the name of a class, or the names of a list of classes; -1 means none.

    Raises BadRow for a number that has no name.
    """
    if isinstance(cell, list):
        return [_class(name, item, names) for item in cell]
    if cell is None or cell == -1:
        return None
    if not isinstance(cell, int) or not 0 <= cell < len(names):
        raise BadRow(
            f"'{name}': expected one of the {len(names)} classes that the file names, found {cell}"
        )
    return names[cell]


@contextmanager
def _unpacked(table: TableFile, scratch: Path) -> Iterator[Path]:
    """Yield the file's path; a gzipped file is unpacked into `scratch` while it is read."""
    if not table.zipped:
        with open_bytes(table):  # looks at its first bytes
            yield table.path
        return
    path = scratch / "unpacked.parquet"
    try:
        with open_bytes(table) as file, path.open("wb") as unpacked:
            shutil.copyfileobj(file, unpacked, 2**20)
        yield path
    finally:
        path.unlink(missing_ok=True)

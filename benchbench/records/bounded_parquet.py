"""Reads a Parquet file of predictions that may come from anybody, in bounded memory.

A small file can stand for a very large table: a million equal rows take a few bytes. So the types,
the numbers of rows and values, and the sizes that the file declares are looked at before its data
is, and texts stay in their dictionaries until the size that they unfold to is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.contract import StoreError
from benchbench.machine import open_regular

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet as pq

COLUMNS = ("split", "id", "gold", "main", "group", "logits")
TEXTS = ("split", "id", "group")
MOST_ROWS = 5_000_000
MOST_SCORES = 1 << 27
"""The most scores: documents times labels. They take half a gigabyte."""
MOST_BYTES = 1 << 30
MOST_TEXT = 1 << 28
"""The most bytes of a column of texts, all rows together."""


@contextmanager
def parquet_of(path: Path) -> Iterator[pq.ParquetFile]:
    """Open a file of predictions; raise StoreError where it, or the block, cannot read it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with open_regular(path) as stream:
            yield pq.ParquetFile(stream, read_dictionary=list(TEXTS))
    except OSError as error:
        reason = error.strerror or error
        raise StoreError(f"{path.name} cannot be read as predictions: {reason}.") from error
    except (
        pa.ArrowException, KeyError, ValueError, AttributeError, IndexError, OverflowError
    ) as error:  # fmt: skip
        raise StoreError(f"{path.name} cannot be read as predictions: {error}.") from error


def bounded_table(
    file: pq.ParquetFile,
    labels: int,
    rows: int | None = None,
    columns: Sequence[str] = COLUMNS,
) -> pyarrow.Table:
    """Return columns of a file; raise ValueError where it has another form, or is too large.

    `rows` is the number of rows that it must have, where that is known.
    """
    import pyarrow as pa

    _check_types(file.schema_arrow)
    _check_sizes(file, labels, rows)
    table = file.read(list(columns))
    for name in table.schema.names:
        if table[name].null_count:
            raise ValueError(f"a value of the column '{name}' is missing")
    for place, name in enumerate(table.schema.names):
        if name in TEXTS:
            _check_text(name, table[name])
            table = table.set_column(place, name, table[name].cast(pa.string()))
    return table


def _check_types(schema: pyarrow.Schema) -> None:
    import pyarrow.types as is_a

    if schema.names != list(COLUMNS):
        raise ValueError(f"its columns are {', '.join(schema.names)}"[:200])
    kinds = {name: schema.field(name).type for name in COLUMNS}
    right = {
        "gold": is_a.is_list(kinds["gold"]) and is_a.is_int32(kinds["gold"].value_type),
        "main": is_a.is_int32(kinds["main"]),
        "logits": is_a.is_fixed_size_list(kinds["logits"])
        and is_a.is_float32(kinds["logits"].value_type),
        **{name: _is_text(kinds[name]) for name in TEXTS},
    }
    if wrong := [name for name in COLUMNS if not right[name]]:
        raise ValueError(f"the column '{wrong[0]}' has the type {kinds[wrong[0]]}"[:200])


def _is_text(kind: Any) -> bool:
    """Say whether a column is text, which is read as a dictionary."""
    import pyarrow.types as is_a

    return bool(is_a.is_string(kind.value_type if is_a.is_dictionary(kind) else kind))


def _check_sizes(file: pq.ParquetFile, labels: int, rows: int | None) -> None:
    """Raise ValueError where the declared sizes are not those of predictions."""
    declared, width = file.metadata, file.schema_arrow.field("logits").type.list_size
    if rows is not None and declared.num_rows != rows:
        raise ValueError(f"it has {declared.num_rows:,} documents, expected {rows:,}")
    if declared.num_rows > MOST_ROWS or declared.num_rows * max(width, labels, 1) > MOST_SCORES:
        raise ValueError(f"it has {declared.num_rows:,} documents, which are too many to read")
    most = {"gold": max(labels, 1), "logits": max(width, 1)}
    total = seen = 0
    for group in map(declared.row_group, range(declared.num_row_groups)):
        seen += group.num_rows
        for column in map(group.column, range(group.num_columns)):
            total += column.total_uncompressed_size
            name = column.path_in_schema.partition(".")[0]
            if not 0 <= column.num_values <= group.num_rows * most.get(name, 1):
                raise ValueError(f"the column '{name}' has {column.num_values:,} values")
    if seen != declared.num_rows or total > MOST_BYTES:
        raise ValueError(f"it declares {seen:,} rows and {total:,} bytes")


def _check_text(name: str, column: pyarrow.ChunkedArray) -> None:
    """Raise ValueError where texts unfold to too many bytes."""
    import pyarrow.compute as pc

    size = 0
    for part in column.chunks:
        lengths = pc.binary_length(part.dictionary).cast("int64")
        size += pc.sum(lengths.take(part.indices)).as_py() or 0
    if size > MOST_TEXT:
        raise ValueError(f"the column '{name}' has {size:,} bytes of text")

"""One Parquet file per attempt: the predictions for every document, and its gold labels."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.contract import GuardError, Predictions, Split, StoreError
from benchbench.machine import check_regular

if TYPE_CHECKING:
    import datasets
    import numpy as np
    import pyarrow

PREDICTED_SPLITS: tuple[Split, ...] = ("validation", "test")


def predictions_table(
    splits: Mapping[str, datasets.Dataset], logits: Mapping[str, np.ndarray]
) -> pyarrow.Table:
    """Return the table of a cell's predictions: split, id, gold, main, group, logits. No text.

    Raises GuardError where a split does not have one row of logits per document.
    """
    import pyarrow as pa

    parts = []
    for name, rows in splits.items():
        if len(rows) != len(logits[name]):
            raise GuardError(f"{name}: {len(logits[name])} predictions for {len(rows)} documents.")
        table = rows.select_columns(["id", "labels", "main", "group"]).with_format("arrow")[:]
        values = pa.array(logits[name].ravel(), pa.float32())
        parts.append(
            pa.table(
                {
                    "split": pa.array([name] * len(rows), pa.string()),
                    "id": table["id"].cast(pa.string()),
                    "gold": table["labels"].cast(pa.list_(pa.int32())),
                    "main": table["main"].cast(pa.int32()),
                    "group": table["group"].cast(pa.string()),
                    "logits": pa.FixedSizeListArray.from_arrays(values, logits[name].shape[1]),
                }
            )
        )
    return pa.concat_tables(parts)


def write_predictions(table: pyarrow.Table, path: Path) -> str:
    """Write the table and return the sha256 of the file."""
    import pyarrow.parquet as pq

    pq.write_table(table, path, compression="zstd")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_predictions(
    path: Path, labels: int, documents: Mapping[Split, int] | None = None
) -> dict[str, Predictions]:
    """Return the predictions by split; `labels` is the number of labels, unseen ones included.

    Raises StoreError where the file cannot be read as predictions, or where it does not have as
    many `documents` per split. Types and counts are looked at before the data is read.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    expected = documents and {name: documents[name] for name in PREDICTED_SPLITS}
    try:
        check_regular(path)
        with pq.ParquetFile(path) as file:
            _check_types(file.schema_arrow)
            if expected is not None:
                _check_count(file.metadata.num_rows, sum(expected.values()))
            table = file.read()
        _check_values(table, labels)
        splits = {name: table.filter(pc.equal(table["split"], name)) for name in PREDICTED_SPLITS}
        _check_count(len(table), sum(map(len, splits.values())))
        for name, count in (expected or {}).items():
            _check_count(len(splits[name]), count)
        return {name: _split(part, labels) for name, part in splits.items()}
    except (OSError, pa.ArrowException, KeyError, ValueError, AttributeError) as error:
        raise StoreError(f"{path.name} cannot be read as predictions: {error}.") from error


def check_complete(predictions: Predictions, rows: datasets.Dataset) -> None:
    """Raise GuardError unless the stored ids are exactly the split's documents, each once."""
    expected = list(rows["id"])
    stored = list(predictions.ids)
    if len(stored) != len(expected):
        raise GuardError(f"{len(stored)} predictions are stored for {len(expected)} documents.")
    if len(set(stored)) != len(stored):
        raise GuardError("A document was predicted twice.")
    if set(stored) != set(expected):
        raise GuardError("The stored predictions are not those of the split's documents.")


def _check_types(schema: Any) -> None:
    """Raise ValueError unless the columns have the types that `predictions_table` gives them."""
    import pyarrow as pa

    plain = {"split": pa.string(), "id": pa.string(), "main": pa.int32(), "group": pa.string()}
    for name, kind in plain.items():
        if schema.field(name).type != kind:
            raise ValueError(f"{name} is {schema.field(name).type}, expected {kind}")
    gold, logits = schema.field("gold").type, schema.field("logits").type
    if not (pa.types.is_list(gold) and gold.value_type == pa.int32()):
        raise ValueError(f"gold is {gold}, expected lists of int32")
    if not (pa.types.is_fixed_size_list(logits) and logits.value_type == pa.float32()):
        raise ValueError(f"logits is {logits}, expected lists of float32 of one size")


def _check_count(found: int, expected: int) -> None:
    if found != expected:
        raise ValueError(f"it has predictions for {found} documents, expected {expected}")


def _check_values(table: Any, labels: int) -> None:
    """Raise ValueError for a missing value, and for a label that does not exist."""
    import pyarrow.compute as pc

    for name in table.column_names:
        if table[name].null_count:
            raise ValueError(f"{name} has missing values")
    for name, least, values in (
        ("gold", 0, pc.list_flatten(table["gold"])),  # -1 would count as the last label
        ("main", -1, table["main"]),
    ):
        ends = pc.min_max(values).as_py()
        if ends["min"] is not None and not least <= ends["min"] <= ends["max"] < labels:
            raise ValueError(
                f"{name} labels range from {ends['min']} to {ends['max']}, but there are {labels} "
                "labels"
            )


def _split(table: Any, labels: int) -> Predictions:
    import numpy as np

    ids = tuple(table["id"].to_pylist())
    if len(set(ids)) != len(ids):
        raise ValueError("a document is in it twice")
    gold_lists = table["gold"].combine_chunks()
    counts = np.diff(gold_lists.offsets.to_numpy())
    gold = np.zeros((len(table), labels), dtype=bool)
    gold[np.repeat(np.arange(len(table)), counts), gold_lists.flatten().to_numpy()] = True
    logits = table["logits"].combine_chunks()
    return Predictions(
        ids,
        gold,
        table["main"].to_numpy(),
        tuple(table["group"].to_pylist()),
        logits.flatten().to_numpy().reshape(len(table), logits.type.list_size),
    )

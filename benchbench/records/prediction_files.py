"""One Parquet file per attempt: the predictions for every document, and its gold labels."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.contract import GuardError, Predictions, Split
from benchbench.machine import canonical
from benchbench.records.bounded_parquet import COLUMNS, bounded_table, parquet_of

if TYPE_CHECKING:
    import datasets
    import numpy as np
    import pyarrow

PREDICTED_SPLITS: tuple[Split, ...] = ("validation", "test")
CELL, KEY = b"benchbench.cell", b"benchbench.key"


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


def write_predictions(
    table: pyarrow.Table, path: Path, cell: str | None = None, key: str | None = None
) -> str:
    """Write the table and return the sha256 of the file.

    The file names the cell and the key that it was predicted for, so that it cannot stand for
    another cell.
    """
    import pyarrow.parquet as pq

    made_for = {name: value for name, value in ((CELL, cell), (KEY, key)) if value}
    table = table.replace_schema_metadata(made_for or None)
    pq.write_table(table, path, compression="zstd")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def predicted_for(path: Path) -> tuple[str, str] | None:
    """Return the cell's id and the key that a file of predictions names; None where it has none.

    Raises StoreError where the file cannot be read as predictions.
    """
    with parquet_of(path) as file:
        metadata = file.schema_arrow.metadata or {}
    names = [metadata.get(name, b"").decode("utf-8", "replace") for name in (CELL, KEY)]
    return (names[0], names[1]) if any(names) else None


def content_digest(path: Path, labels: int, columns: tuple[str, ...] = COLUMNS) -> str:
    """Return the sha256 of the content of predictions, or of some of their columns.

    It does not depend on the version of pyarrow, on compression, or on the cell that the file
    names. Raises StoreError where the file cannot be read as predictions.
    """
    with parquet_of(path) as file:
        table = bounded_table(file, labels, columns=columns)
    sha = hashlib.sha256(canonical(columns))
    for name in columns:
        column = table[name].combine_chunks()
        if name == "logits":
            sha.update(column.flatten().to_numpy().tobytes())
        else:
            sha.update(canonical(column.to_pylist()))
    return sha.hexdigest()


def read_predictions(
    path: Path, labels: int, documents: Mapping[Split, int] | None = None
) -> dict[str, Predictions]:
    """Return the predictions by split; `labels` is the number of labels, unseen ones included.

    `documents` is the number of documents per split, where it is known. Raises StoreError where
    the file cannot be read as predictions of these documents.
    """
    import pyarrow.compute as pc

    with parquet_of(path) as file:
        rows = None if documents is None else sum(documents[name] for name in PREDICTED_SPLITS)
        table = bounded_table(file, labels, rows)
        _check_gold(table["gold"], labels)
        _check_range("main", table["main"], -1, labels)
        splits = {name: table.filter(pc.equal(table["split"], name)) for name in PREDICTED_SPLITS}
        if sum(map(len, splits.values())) != len(table):
            raise ValueError("it has documents that are of neither validation nor test")
        for name, part in splits.items():
            expected = len(part) if documents is None else documents[name]
            if len(part) != expected:
                raise ValueError(f"it has {len(part):,} documents of {name}, not {expected:,}")
            if len(pc.unique(part["id"])) != len(part):
                raise ValueError(f"a document of {name} stands in it twice")
        return {name: _split(part, labels) for name, part in splits.items()}


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


def _check_gold(gold: Any, labels: int) -> None:
    """Raise ValueError for a label that does not exist; -1 would count as the last label."""
    import pyarrow.compute as pc

    flat = pc.list_flatten(gold)
    if flat.null_count:
        raise ValueError("a gold label is missing")
    _check_range("gold", flat, 0, labels)


def _check_range(name: str, values: Any, least: int, labels: int) -> None:
    import pyarrow.compute as pc

    ends = pc.min_max(values).as_py()
    if ends["min"] is not None and not least <= ends["min"] <= ends["max"] < labels:
        raise ValueError(
            f"{name} labels range from {ends['min']} to {ends['max']}, but there are {labels} "
            "labels"
        )


def _split(table: Any, labels: int) -> Predictions:
    import numpy as np

    gold_lists = table["gold"].combine_chunks()
    counts = np.diff(gold_lists.offsets.to_numpy())
    gold = np.zeros((len(table), labels), dtype=bool)
    gold[np.repeat(np.arange(len(table)), counts), gold_lists.flatten().to_numpy()] = True
    logits = table["logits"].combine_chunks()
    return Predictions(
        tuple(table["id"].to_pylist()),
        gold,
        table["main"].to_numpy(),
        tuple(table["group"].to_pylist()),
        logits.flatten().to_numpy().reshape(len(table), logits.type.list_size),
    )

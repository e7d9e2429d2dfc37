"""The Arrow files of a corpus: their schema, and reading and writing them in batches."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.contract import LoaderError

if TYPE_CHECKING:
    import datasets
    import pyarrow as pa


def schema() -> pa.Schema:
    """Return the Arrow schema of a split."""
    import pyarrow as pa

    return pa.schema(
        {
            "id": pa.string(),
            "text": pa.string(),
            "labels": pa.list_(pa.int32()),
            "main": pa.int32(),
            "group": pa.string(),
            "weight": pa.float32(),
        }
    )


def open_writer(path: Path) -> AbstractContextManager[Any]:
    """Open an Arrow stream for writing."""
    import pyarrow as pa

    return pa.ipc.new_stream(str(path), schema())  # type: ignore[no-any-return]


def stream(path: Path) -> Iterator[pa.RecordBatch]:
    """Yield the batches of an Arrow stream. It is read, not mapped, so that memory stays flat."""
    import pyarrow as pa

    with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as reader:
        yield from reader


def open_split(path: Path) -> datasets.Dataset:
    """Return the split in an Arrow stream, memory-mapped. Raises LoaderError."""
    import datasets
    import pyarrow as pa

    try:
        return datasets.Dataset.from_file(str(path))
    except (OSError, pa.ArrowException) as error:
        raise LoaderError(f"{path}: not an Arrow file ({error}); load the corpus again") from None


def batches_of(dataset: datasets.Dataset) -> Iterator[pa.RecordBatch]:
    """Yield the rows in batches of 100, however they are chunked in the file.

    So few that documents of 16 MiB each still fit in one Arrow string array.
    """
    for table in dataset.with_format("arrow").iter(100):
        yield table.combine_chunks().to_batches()[0]


def text_hash(text: str) -> int:
    """Return 63 bits of BLAKE2b. They are never negative, so -1 can stand for none.

    >>> text_hash("a family of patents") == text_hash("a family of patents") >= 0
    True
    """
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1

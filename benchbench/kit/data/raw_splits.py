"""A split as its source gave it, streamed to an Arrow file before the label space is known."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchbench.contract import Kind, LoaderError
from benchbench.kit.data.arrow_files import open_writer, schema, text_hash
from benchbench.kit.data.document import Document, check_encodable, checked_labels
from benchbench.kit.data.splits import LabelSets

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

BATCH_ROWS = 1000
BATCH_CHARACTERS = 4_000_000


class RawSplit(NamedTuple):
    """An Arrow file with label codes in order of appearance, and what is kept in memory.

    `groups` int64 [documents] are hashes of the groups, -1 where there is none.
    """

    path: Path
    labels: LabelSets
    groups: NDArray[np.int64]


def write_raw_split(
    path: Path, kind: Kind, documents: Iterable[Document], codes: dict[str, int], where: str
) -> RawSplit:
    """Stream `documents` to `path`, and add new labels to `codes`.

    Raises LoaderError, which begins with `where`, for a bad document or none at all.
    """
    import numpy as np

    flat, lengths, groups = array("q"), array("q", [0]), array("q")
    with open_writer(path) as writer:
        for batch in _batches(documents):
            labels = [checked_labels(where, kind, document) for document in batch]
            check_encodable(where, batch)
            batch_codes = [codes.setdefault(name, len(codes)) for names in labels for name in names]
            flat.extend(batch_codes)
            lengths.extend(map(len, labels))
            groups.extend([text_hash(item.group) if item.group else -1 for item in batch])
            multi = kind == "multi-label"
            mains = [codes.get(item.main or "", -1) for item in batch] if multi else batch_codes
            writer.write_batch(_record_batch(batch, batch_codes, lengths[-len(batch) :], mains))
    if not groups:
        raise LoaderError(f"{where}: 0 rows; at least one is needed")
    sets = LabelSets(np.array(flat, np.int64), np.cumsum(np.array(lengths, np.int64)))
    return RawSplit(path, sets, np.array(groups, np.int64))


def _record_batch(
    documents: Sequence[Document],
    codes: Sequence[int],
    lengths: Sequence[int],
    mains: Sequence[int],
) -> pa.RecordBatch:
    """Return the documents in Arrow, column by column: row by row takes twice as long.

    `codes` are the labels of all documents, one after the other, `lengths` how many each has.
    """
    import numpy as np
    import pyarrow as pa

    ids, texts, _, _, groups, weights = zip(*documents, strict=True)
    offsets = np.cumsum([0, *lengths], dtype=np.int32)
    labels = pa.ListArray.from_arrays(pa.array(offsets), pa.array(codes, pa.int32()))
    columns = {
        "id": ids, "text": texts, "labels": labels, "main": mains, "group": groups,
        "weight": weights,
    }  # fmt: skip
    return pa.RecordBatch.from_pydict(columns, schema=schema())


def _batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """Yield lists of documents, bounded in number and in characters."""
    batch: list[Document] = []
    characters = 0
    for document in documents:
        batch.append(document)
        characters += len(document.text)
        if len(batch) == BATCH_ROWS or characters > BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch

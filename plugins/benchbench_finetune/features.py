"""Embeddings of a frozen model, computed once and shared by cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from benchbench.kit.cache import arithmetic, cached, digest_of, is_enabled
from benchbench_finetune.embedder import DocumentEmbedder

if TYPE_CHECKING:
    import numpy as np


def cached_features(
    embedder: DocumentEmbedder,
    documents: Sequence[Sequence[int]],
    batch_size: int,
    compute: Callable[[], np.ndarray],
) -> np.ndarray:
    """Return float64 [documents, width]: what `compute` returns now, or returned in another cell.

    The key covers the model as it was loaded, the token ids, and how they are pooled and batched;
    so the model must not have been changed since. Nothing is cached for a model whose origin is
    not known.
    """
    import numpy as np
    import pyarrow as pa

    origin = embedder.loaded.facts.get("origin")
    if origin is None or not is_enabled() or not documents:
        return compute()
    key = {
        "origin": origin,
        "arithmetic": arithmetic(),
        "documents": digest_of(np.array(ids, np.int32).tobytes() for ids in documents),
        "pooling": embedder.pooling,
        "side": embedder.side,
        "batch_size": batch_size,
    }

    def make() -> pa.Table:
        features = compute()
        vectors = pa.FixedSizeListArray.from_arrays(features.ravel(), features.shape[1])
        return pa.table({"vector": vectors})

    vectors = cached("features", key, make)["vector"].combine_chunks().flatten()
    return np.array(vectors).reshape(len(documents), -1)

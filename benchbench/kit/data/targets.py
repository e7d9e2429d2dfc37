"""The true labels of documents as arrays over the label space."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def class_index(labels: Iterable[Sequence[int]], n_labels: int) -> np.ndarray:
    """Return int64 [documents]: the label of each, -1 where training never saw it.

    >>> class_index([[1], [0], [2]], n_labels=2).tolist()
    [1, 0, -1]
    """
    import numpy as np

    first = [row[0] if row[0] < n_labels else -1 for row in labels]
    return np.array(first, dtype=np.int64)


def multi_hot(labels: Iterable[Sequence[int]], n_labels: int) -> np.ndarray:
    """Return float32 [documents, n_labels] of ones and zeros.

    Labels that training never saw have no column; the metrics count them as missed.

    >>> multi_hot([[0, 2], [], [1, 3]], n_labels=3).tolist()
    [[1.0, 0.0, 1.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    import numpy as np

    rows = list(labels)
    hot = np.zeros((len(rows), n_labels), dtype=np.float32)
    for row, indices in enumerate(rows):
        hot[row, [index for index in indices if index < n_labels]] = 1.0
    return hot

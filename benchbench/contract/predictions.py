"""The predictions for every document of a split, and its gold labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Predictions:
    """The predictions of one split; every array has one row per document.

    `gold` is bool [n, labels + unseen], `logits` float32 [n, labels], and `main` int32 [n], with
    -1 where a document has no main code.
    """

    ids: tuple[str, ...]
    gold: np.ndarray
    main: np.ndarray
    groups: tuple[str, ...]
    logits: np.ndarray

"""The documents that a system gets wrong, and those on which two systems disagree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchbench.analysis.judged_split import JudgedSplit
from benchbench.contract import BenchbenchError

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class WrongDocument:
    """A document, its labels, and what was predicted with which confidence.

    `confidence` is the probability of the error that the system is surest of: of a label that it
    wrongly gave, or that a label is missing which it did not give. None where the system has no
    probabilities. `other` is what a second system predicts; None without one.
    """

    id: str
    gold: tuple[str, ...]
    predicted: tuple[str, ...]
    confidence: float | None
    other: tuple[str, ...] | None = None


def wrong_documents(judged: JudgedSplit) -> list[WrongDocument]:
    """Return the documents that are not all right, the most confident errors first."""
    import numpy as np

    confidence = _confidence(judged)
    rows = np.flatnonzero(~judged.right).tolist()
    return _sorted([_document(judged, row, confidence) for row in rows])


def disagreements(judged: JudgedSplit, other: JudgedSplit) -> list[WrongDocument]:
    """Return the documents on which two systems decide differently, the surest of `judged` first.

    Raises BenchbenchError where the two did not predict the same documents.
    """
    import numpy as np

    if judged.ids != other.ids or judged.names != other.names:
        raise BenchbenchError(
            f"{judged.title} and {other.title} did not predict the same documents."
        )
    confidence = _sureness(judged)
    rows = np.flatnonzero((judged.decided != other.decided).any(axis=1)).tolist()
    return _sorted([_document(judged, row, confidence, other) for row in rows])


def _document(
    judged: JudgedSplit, row: int, confidence: np.ndarray | None, other: JudgedSplit | None = None
) -> WrongDocument:
    return WrongDocument(
        judged.ids[row],
        judged.labels(judged.gold, row),
        judged.labels(judged.decided, row),
        None if confidence is None else float(confidence[row]),
        None if other is None else other.labels(other.decided, row),
    )


def _sorted(documents: list[WrongDocument]) -> list[WrongDocument]:
    return sorted(documents, key=lambda document: (-(document.confidence or 0.0), document.id))


def _confidence(judged: JudgedSplit) -> np.ndarray | None:
    """Return how sure the system is of its surest error, float64 [documents]."""
    import numpy as np

    if judged.probability is None:
        return None
    wrongly: np.ndarray = np.where(judged.decided & ~judged.gold, judged.probability, 0.0).max(
        axis=1
    )
    if judged.kind == "single-label":
        return wrongly
    missed = np.where(judged.gold & ~judged.decided, 1 - judged.probability, 0.0).max(axis=1)
    surest: np.ndarray = np.maximum(wrongly, missed)
    return surest


def _sureness(judged: JudgedSplit) -> np.ndarray | None:
    """Return the highest probability of a decided label, float64 [documents]."""
    import numpy as np

    if judged.probability is None:
        return None
    surest: np.ndarray = np.where(judged.decided, judged.probability, 0.0).max(axis=1)
    return surest

"""How well decided labels agree with gold labels: accuracy, exact match, Matthews correlation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.contract import AdditiveMetric, ScoredSplit, ratio
from benchbench.evaluation.f1 import label_counts

if TYPE_CHECKING:
    import numpy as np


def accuracy(scored: ScoredSplit) -> AdditiveMetric:
    """Return the share of documents with the right label. Single-label."""
    return AdditiveMetric.mean((scored.predictions.gold & scored.decided()).any(axis=1))


def exact_match(scored: ScoredSplit) -> AdditiveMetric:
    """Return the share of documents whose decided labels are exactly the gold ones. Multi-label."""
    return AdditiveMetric.mean((scored.predictions.gold == scored.decided()).all(axis=1))


def mcc(scored: ScoredSplit) -> AdditiveMetric:
    """Return Matthews' correlation, from -1 to 1, and 0 where it is 0/0.

    Single-label: R_K of all labels (Gorodkin 2004, eq. 8). Multi-label: the correlation of all
    decisions pooled, one per document and label, unseen labels included (Matthews 1975).
    """
    import numpy as np

    gold, decided = scored.predictions.gold, scored.decided()
    if scored.kind == "single-label":
        return AdditiveMetric(label_counts(gold, decided), _of_classes)
    counts = [matrix.sum(axis=1) for matrix in (gold & decided, decided, gold)]
    return AdditiveMetric.of(np.stack([*counts, np.full(len(gold), gold.shape[1])]), _pooled)


def _pooled(totals: np.ndarray) -> np.ndarray:
    """Return phi, [...], of totals [4, ...]: true positives, decided, gold, decisions."""
    import numpy as np

    right, decided, gold, decisions = totals
    spread = np.sqrt(decided * (decisions - decided)) * np.sqrt(gold * (decisions - gold))
    return ratio(np.stack([right * decisions - decided * gold, spread]))


def _of_classes(totals: np.ndarray) -> np.ndarray:
    """Return R_K, [...], of totals [3 * labels, ...], where every document has one gold label."""
    import numpy as np

    right, decided, gold = np.split(totals, 3)
    documents = gold.sum(axis=0)
    spread = [np.sqrt(documents**2 - (counts**2).sum(axis=0)) for counts in (decided, gold)]
    covariance = right.sum(axis=0) * documents - (decided * gold).sum(axis=0)
    return ratio(np.stack([covariance, spread[0] * spread[1]]))

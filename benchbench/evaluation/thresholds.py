"""Thresholds tuned on validation: the same rule for every system."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def tune_threshold(gold: np.ndarray, logits: np.ndarray) -> float:
    """Return the logit above which a label is assigned so that micro-F1 is highest.

    `gold` is bool [n, labels + unseen], `logits` [n, labels]. One global threshold, found by
    an exact sweep over the midpoints between neighbouring scores; among equals the one nearest
    to zero, that is to a probability of one half. For validation data only.
    """
    import numpy as np

    scores = np.sort(logits, axis=None)
    hits = np.sort(logits[gold[:, : logits.shape[1]]])
    # the best cut is right below a hit: to go on to the next hit costs, and brings nothing before
    above = np.unique(hits if len(hits) else scores)
    true_positives = len(hits) - np.searchsorted(hits, above)
    place = np.searchsorted(scores, above)
    f1 = 2 * true_positives / (len(scores) - place + gold.sum())
    best = f1 >= f1.max() - 1e-12
    padded = np.append(np.float64(scores[0]) - 1.0, scores)  # a cut may fall below the lowest
    middles = (above[best] + padded[place[best]]) / 2
    return float(middles[np.argmin(np.abs(middles))])


def tune_label_thresholds(gold: np.ndarray, logits: np.ndarray, fallback: float) -> np.ndarray:
    """Return the logit above which each label is assigned so that its F1 is highest.

    `gold` is bool [n, labels + unseen], `logits` [n, labels]; the thresholds are float64
    [labels], each found as `tune_threshold` finds the global one. A label without a document
    tells nothing and gets `fallback`. For validation data only.
    """
    import numpy as np

    found = [
        tune_threshold(own, scores) if own.any() else fallback
        for own, scores in zip(gold.T[..., None], logits.T[..., None], strict=False)
    ]
    return np.array(found, dtype=np.float64)

"""Thresholds tuned on validation: the same rule for every system."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def tune_threshold(gold: np.ndarray, logits: np.ndarray) -> float:
    """Return the one threshold for all labels that gives the highest micro-F1.

    A label is assigned where its logit is above the threshold. `gold` is bool [n, labels +
    unseen], `logits` [n, labels]. All midpoints between neighbouring scores are tried. Of equally
    good ones the result is nearest to zero, i.e. to a probability of one half. For validation
    only.
    """
    import numpy as np

    scores = np.sort(logits, axis=None)
    hits = np.sort(logits[gold[:, : logits.shape[1]]])
    # the best cut is right below a hit: a lower cut adds only wrong labels until the next
    above = np.unique(hits if len(hits) else scores)
    true_positives = len(hits) - np.searchsorted(hits, above)
    position = np.searchsorted(scores, above)
    f1 = 2 * true_positives / (len(scores) - position + gold.sum())
    best = f1 >= f1.max() - 1e-12
    padded = np.append(np.float64(scores[0]) - 1.0, scores)  # a cut may be below the lowest score
    middles = (above[best] + padded[position[best]]) / 2
    return float(middles[np.argmin(np.abs(middles))])


def tune_label_thresholds(gold: np.ndarray, logits: np.ndarray, fallback: float) -> np.ndarray:
    """Return the threshold of each label that gives its highest F1, float64 [labels].

    `gold` is bool [n, labels + unseen], `logits` [n, labels]. Each threshold is found as
    `tune_threshold` finds the global one. A label without documents gets `fallback`. For
    validation only.
    """
    import numpy as np

    thresholds = [
        tune_threshold(of_label, scores) if of_label.any() else fallback
        for of_label, scores in zip(gold.T[..., None], logits.T[..., None], strict=False)
    ]
    return np.array(thresholds, dtype=np.float64)

"""The decision rule: from logits to decided labels, the same for every system."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from benchbench.types import Kind


def tune_threshold(gold: np.ndarray, logits: np.ndarray) -> float:
    """Return the logit above which a label is assigned so that micro-F1 is highest.

    `gold` is bool [n, labels + unseen], `logits` [n, labels]. One global threshold, found by
    an exact sweep over all midpoints between neighbouring scores; among equals the one nearest
    to zero, that is to a probability of one half. For validation data only.
    """
    import numpy as np

    scores = logits.ravel().astype(np.float64)
    hits = gold[:, : logits.shape[1]].ravel()
    order = np.argsort(-scores, kind="stable")
    scores, hits = scores[order], hits[order]
    true_positives = np.cumsum(hits)
    assigned = np.arange(1, len(scores) + 1)
    # a cut may only fall between two different scores, or below the lowest
    cut = np.append(scores[:-1] > scores[1:], True)
    f1 = 2 * true_positives / (assigned + gold.sum()) * cut
    best = np.flatnonzero(np.isclose(f1, f1.max(), rtol=0, atol=1e-12) & cut)
    below = np.append(scores[1:], scores[-1] - 1.0)
    middles = (scores[best] + below[best]) / 2
    return float(middles[np.argmin(np.abs(middles))])


def decide(kind: Kind, logits: np.ndarray, threshold: float = 0.0) -> np.ndarray:
    """Return the decided labels, bool [n, labels]: argmax, or all above the threshold."""
    import numpy as np

    if kind == "multi-label":
        # in float64: a threshold between two neighbouring float32 scores is neither of them
        return np.asarray(logits > np.float64(threshold))
    decided = np.zeros(logits.shape, dtype=bool)
    decided[np.arange(len(logits)), logits.argmax(axis=1)] = True
    return decided

"""Metrics of the labels with the highest scores. Equal scores are ranked in label order.

A hard classifier gives no scores, so it has none of these metrics, with one exception: on
single-label data, the label that it decides is its first guess.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbench.contract import AdditiveMetric, ScoredSplit, ratio

if TYPE_CHECKING:
    import numpy as np


def precision_at(scored: ScoredSplit, k: int) -> AdditiveMetric | None:
    """Return the mean over documents of |top k and gold| / k; None without k ranked labels."""
    top = top_labels(scored, k)
    return None if top is None else AdditiveMetric.mean(_hits(scored, top) / k)


def recall_at(scored: ScoredSplit, k: int) -> AdditiveMetric | None:
    """Return the mean over documents of |top k and gold| / |gold|; None without k ranked labels.

    A document without a gold label counts as 0. Unseen labels count as gold and are never found.
    """
    import numpy as np

    top = top_labels(scored, k)
    if top is None:
        return None
    return AdditiveMetric.mean(
        ratio(np.stack([_hits(scored, top), scored.predictions.gold.sum(axis=1)]))
    )


def main_code_in_top(scored: ScoredSplit, k: int) -> AdditiveMetric | None:
    """Return the share of documents whose main code is in the top k (Fall et al., 2003).

    k = 1 is their "top prediction", k = 3 their "three guesses". Only documents with a main code
    count.
    """
    top = top_labels(scored, k)
    if top is None:
        return None
    return _with_main_code(scored, (top == scored.predictions.main[:, None]).any(axis=1))


def all_categories(scored: ScoredSplit) -> AdditiveMetric | None:
    """Return the share of documents whose first guess is any gold label (Fall et al., 2003).

    Only documents with a main code count, as in their other two measures.
    """
    top = top_labels(scored, 1)
    return None if top is None else _with_main_code(scored, _hits(scored, top) > 0)


def top_labels(scored: ScoredSplit, k: int) -> np.ndarray | None:
    """Return the k labels with the highest scores, best first, int [n, k].

    None where there are fewer labels, or the classifier does not rank them.
    """
    import numpy as np

    documents, labels = scored.predictions.logits.shape
    guesses = 1 if scored.kind == "single-label" else 0
    if k > (guesses if scored.hard else labels):
        return None
    remaining = scored.predictions.logits.copy()
    top = np.empty((documents, k), dtype=np.intp)
    for place in range(k):
        # k passes of argmax, which takes the first of equals, are faster than a stable sort
        top[:, place] = remaining.argmax(axis=1)
        remaining[np.arange(documents), top[:, place]] = -np.inf
    return top


def _hits(scored: ScoredSplit, top: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.asarray(np.take_along_axis(scored.predictions.gold, top, axis=1).sum(axis=1))


def _with_main_code(scored: ScoredSplit, hit: np.ndarray) -> AdditiveMetric | None:
    has_main = scored.predictions.main >= 0
    return AdditiveMetric.ratio(hit & has_main, has_main) if has_main.any() else None

"""F1 in all its averages. F1 is 2TP / (2TP + FP + FN), and 0 where that is 0/0.

The list of labels is fixed: the label space, then the labels that occur only outside training.
The latter cannot be predicted and count as missed. macro-F1 is the mean of the labels' F1, not
the F1 of mean precision and mean recall (Opitz and Burst, 2019).

`threshold` replaces the tuned threshold: one logit, or one logit per label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchbench.contract import AdditiveMetric, LabelFacts, ScoredSplit, ratio

if TYPE_CHECKING:
    import numpy as np


LEAST_LABELS = 6
"""The fewest labels that have thirds: of fewer labels, a third would be a single label."""


def micro_f1(scored: ScoredSplit, threshold: np.ndarray | float | None = None) -> AdditiveMetric:
    """Return F1 of the decisions on all labels pooled."""
    return AdditiveMetric.of(_by_document(scored, threshold), ratio)


def samples_f1(scored: ScoredSplit) -> AdditiveMetric:
    """Return the mean over documents of the F1 of their labels."""
    return AdditiveMetric.mean(ratio(_by_document(scored)))


def macro_f1(scored: ScoredSplit, threshold: np.ndarray | float | None = None) -> AdditiveMetric:
    """Return the mean over labels of their F1."""
    return _macro(scored.predictions.gold, scored.decided(threshold))


def weighted_f1(scored: ScoredSplit) -> AdditiveMetric:
    """Return the mean over labels of their F1, weighted by their number of documents."""
    return AdditiveMetric(label_counts(scored.predictions.gold, scored.decided()), _weighted)


def third_macro_f1(scored: ScoredSplit, third: int) -> AdditiveMetric | None:
    """Return macro-F1 of a third of the labels by training frequency: 0 head, 1 mid, 2 tail.

    None where the label space has fewer than 6 labels, or where their frequency is unknown.
    """
    labels = len(scored.labels.space.names)
    if labels < LEAST_LABELS or labels != len(scored.labels.training_counts):
        return None
    chosen = thirds(scored.labels)[third]
    return _macro(scored.predictions.gold[:, chosen], scored.decided()[:, chosen])


def thirds(labels: LabelFacts) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the columns of the head, mid and tail labels, each int [labels in it].

    Labels are sorted by their number of training documents, most first, equal ones in label
    order, and split in three. Where that leaves a rest, the first parts are larger. Unseen labels
    belong to the tail.
    """
    import numpy as np

    counts = np.array(labels.training_counts)
    head, mid, tail = np.array_split(np.argsort(-counts, kind="stable"), 3)
    unseen = np.arange(len(labels.space.unseen)) + len(labels.space)
    return head, mid, np.concatenate([tail, unseen])


def label_f1(scored: ScoredSplit) -> np.ndarray:
    """Return the F1 of every label, float64 [labels + unseen]."""
    import numpy as np

    counts = label_counts(scored.predictions.gold, scored.decided())
    return _of_labels(np.asarray(counts.sum(axis=1)))


def label_counts(gold: np.ndarray, decided: np.ndarray) -> Any:
    """Return sparse [3 * labels, documents]: true positives, decided, gold, one row per label each.

    `gold` and `decided` are bool [documents, labels].
    """
    import numpy as np
    from scipy.sparse import csr_array

    documents, labels = gold.shape
    entries = [np.flatnonzero(matrix) for matrix in (gold & decided, decided, gold)]
    columns, rows = np.divmod(np.concatenate(entries), labels)
    rows += np.repeat(np.arange(3) * labels, [len(places) for places in entries])
    return csr_array((np.ones(len(rows)), (rows, columns)), shape=(3 * labels, documents))


def _by_document(scored: ScoredSplit, threshold: np.ndarray | float | None = None) -> np.ndarray:
    """Return what each document adds to 2TP and to 2TP + FP + FN, [2, documents]."""
    import numpy as np

    gold, decided = scored.predictions.gold, scored.decided(threshold)
    return np.stack([2 * (gold & decided).sum(axis=1), gold.sum(axis=1) + decided.sum(axis=1)])


def _macro(gold: np.ndarray, decided: np.ndarray) -> AdditiveMetric:
    return AdditiveMetric(
        label_counts(gold, decided), lambda totals: _of_labels(totals).mean(axis=0)
    )


def _of_labels(totals: np.ndarray) -> np.ndarray:
    """Return the F1 of labels, [labels, ...], from totals [3 * labels, ...]."""
    import numpy as np

    right, decided, gold = np.split(totals, 3)
    return ratio(np.stack([2 * right, decided + gold]))


def _weighted(totals: np.ndarray) -> np.ndarray:
    import numpy as np

    gold = np.split(totals, 3)[2]
    return ratio(np.stack([(_of_labels(totals) * gold).sum(axis=0), gold.sum(axis=0)]))

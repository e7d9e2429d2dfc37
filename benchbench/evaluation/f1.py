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


LEAST_EXPECTED = 10
"""The fewest test documents that a frequent label is expected to have. Macro-F1 has an interval
only over frequent labels: the F1 of a label with fewer documents is biased by more than it can be
corrected for."""
LEAST_LABELS = 6
"""The fewest labels that have thirds: of fewer labels, a third would be a single label."""


def micro_f1(scored: ScoredSplit, threshold: np.ndarray | float | None = None) -> AdditiveMetric:
    """Return F1 of the decisions on all labels pooled."""
    return AdditiveMetric.of(_by_document(scored, threshold), ratio)


def samples_f1(scored: ScoredSplit) -> AdditiveMetric:
    """Return the mean over documents of the F1 of their labels."""
    return AdditiveMetric.mean(ratio(_by_document(scored)))


def macro_f1(scored: ScoredSplit, threshold: np.ndarray | float | None = None) -> AdditiveMetric:
    """Return the mean over labels of their F1; it has an interval where all are frequent."""
    return _macro(scored, slice(None), threshold)


def frequent_macro_f1(scored: ScoredSplit) -> AdditiveMetric | None:
    """Return the mean over the frequent labels of their F1; None where all are, or none is."""
    chosen = frequent(scored)
    return None if chosen.all() or not chosen.any() else _macro(scored, chosen.nonzero()[0])


def frequent(scored: ScoredSplit) -> np.ndarray:
    """Return which columns of gold expect at least 10 documents, bool [labels + unseen].

    The expectation is the label's share of the training documents, times the number of documents
    of this split: what the split itself holds does not choose the labels.
    """
    import numpy as np

    facts, gold = scored.labels, scored.predictions.gold
    counts = np.zeros(gold.shape[1])
    if facts.training_documents:
        counts[: len(facts.training_counts)] = facts.training_counts
    return counts * len(gold) >= LEAST_EXPECTED * max(facts.training_documents, 1)


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
    return _macro(scored, thirds(scored.labels)[third])


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


def _macro(
    scored: ScoredSplit,
    chosen: np.ndarray | slice,
    threshold: np.ndarray | float | None = None,
) -> AdditiveMetric:
    """Return the mean F1 of the chosen columns."""
    gold, decided = scored.predictions.gold[:, chosen], scored.decided(threshold)[:, chosen]
    return AdditiveMetric(
        label_counts(gold, decided),
        lambda totals: _of_labels(totals).mean(axis=0),
        interval=bool(frequent(scored)[chosen].all()),
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

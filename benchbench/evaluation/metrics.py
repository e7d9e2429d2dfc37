"""Metrics of one split: pure functions of decided and true labels.

F1 of a label is 2TP / (2TP + FP + FN), and 0 where that is 0/0. macro-F1 is the mean of the
per-label F1 over a fixed label list: the label space, and the labels that only test has, which
can never be predicted and so count as missed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from benchbench.evaluation.thresholds import decide, tune_threshold

if TYPE_CHECKING:
    import numpy as np

    from benchbench.predictions import Predictions
    from benchbench.types import Kind

Values = Mapping[str, float | None]


def evaluate(
    kind: Kind, predictions: Mapping[str, Predictions], hard: bool = False
) -> dict[str, Values]:
    """Return the metrics of validation and test under the decision rule.

    Single-label: argmax. Multi-label: one global threshold, tuned on validation for micro-F1;
    a hard classifier has decided already, its threshold is 0.
    """
    threshold = 0.0
    if kind == "multi-label" and not hard:
        validation = predictions["validation"]
        threshold = tune_threshold(validation.gold, validation.logits)
    values: dict[str, Values] = {}
    for split, part in predictions.items():
        found = scores(kind, part.gold, decide(kind, part.logits, threshold))
        if kind == "multi-label":
            found = {**found, "threshold": threshold}
        values[split] = found
    return values


def scores(kind: Kind, gold: np.ndarray, decided: np.ndarray) -> dict[str, float | None]:
    """Return all metrics of one split.

    `gold` is bool [n, labels + unseen], `decided` bool [n, labels]. Single-label: accuracy,
    macro_f1, micro_f1, weighted_f1. Multi-label: exact_match, micro_f1, macro_f1, weighted_f1,
    samples_f1. `labels_without_support` counts labels that the split has no document of.
    """
    import numpy as np

    unseen = gold.shape[1] - decided.shape[1]
    decided = np.pad(decided, ((0, 0), (0, unseen)))
    averages: tuple[str, ...] = ("macro", "micro", "weighted")
    if kind == "single-label":
        exact = {"accuracy": float((gold & decided).any(axis=1).mean())}
    else:
        exact = {"exact_match": float((gold == decided).all(axis=1).mean())}
        averages = (*averages, "samples")
    f1 = {f"{average}_f1": f1_score(gold, decided, average) for average in averages}
    empty = float((~gold.any(axis=0)).sum())
    return {**f1, **exact, "labels_without_support": empty}


def f1_score(gold: np.ndarray, decided: np.ndarray, average: str) -> float:
    """Return the averaged F1 of label matrices, by scikit-learn, with zero_division 0."""
    import numpy as np
    from sklearn.metrics import f1_score as sklearn_f1

    labels = np.arange(gold.shape[1])
    # a spare column that is then left out: one column alone would be read as two classes
    gold, decided = (np.pad(matrix, ((0, 0), (0, 1))) for matrix in (gold, decided))
    found = sklearn_f1(gold, decided, labels=labels, average=average, zero_division=0.0)
    return float(found)

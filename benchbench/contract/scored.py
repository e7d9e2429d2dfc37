"""What a metric is computed from: one split of a run, and the rule that decides its labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchbench.contract.corpus import Kind, LabelFacts
from benchbench.contract.predictions import Predictions

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Tuning:
    """What was tuned on validation, and is applied unchanged to test.

    Multi-label: a label is assigned where its logit is above `threshold`. `label_thresholds`,
    float64 [labels], has one threshold per label for comparison. Logits are divided by
    `temperature` before they become probabilities; it is None where there are no probabilities.
    """

    threshold: float
    label_thresholds: np.ndarray
    temperature: float | None


@dataclass(frozen=True, slots=True)
class ScoredSplit:
    """A split of one run: its predictions, its labels and what was tuned on validation.

    Every metric is a function of this. The columns of gold are the labels of the label space,
    then the unseen labels. A `hard` classifier only decides and gives no probabilities.

    `exact_best` is None where every score is exact. A number says that only so many of the
    highest scores of each document are exact, in their order, and that all others are bounds.
    """

    kind: Kind
    predictions: Predictions
    labels: LabelFacts
    tuning: Tuning
    hard: bool = False
    exact_best: int | None = None

    @property
    def has_probabilities(self) -> bool:
        """Whether a softmax or sigmoid of the scores means something."""
        return not self.hard and self.exact_best is None

    def knows(self, best: int | None) -> bool:
        """Say whether the `best` labels of every document are known; None asks for every score.

        Multi-label data is decided by thresholds, and these take every score.
        """
        if self.exact_best is None:
            return True
        return self.kind == "single-label" and best is not None and best <= self.exact_best

    def decided(self, threshold: np.ndarray | float | None = None) -> np.ndarray:
        """Return the decided labels in the columns of gold, bool [documents, labels + unseen].

        Unseen labels are never decided. `threshold` replaces the tuned threshold.
        """
        import numpy as np

        if threshold is None:
            threshold = self.tuning.threshold
        decided = np.zeros(self.predictions.gold.shape, dtype=bool)
        logits = self.predictions.logits
        decided[:, : logits.shape[1]] = decide(self.kind, logits, threshold)
        return decided


def decide(kind: Kind, logits: np.ndarray, threshold: np.ndarray | float = 0.0) -> np.ndarray:
    """Return the decided labels, bool [documents, labels]: argmax, or all above the threshold.

    The threshold is one logit, or one per label.
    """
    import numpy as np

    if kind == "multi-label":
        # in float64, a threshold can lie between two neighbouring float32 scores
        return np.asarray(logits > np.asarray(threshold, dtype=np.float64))
    decided = np.zeros(logits.shape, dtype=bool)
    decided[np.arange(len(logits)), logits.argmax(axis=1)] = True
    return decided

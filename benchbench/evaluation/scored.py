"""What metrics are functions of: a split's predictions, its labels, what was tuned before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchbench.contract import Json, Kind

if TYPE_CHECKING:
    import numpy as np

    from benchbench.contract import Predictions


@dataclass(frozen=True, slots=True)
class LabelFacts:
    """What metrics need to know of the labels.

    `names` are those of the label space, `unseen` the labels that only occur outside training,
    which stand behind them in gold and can never be predicted. `parents` maps a node to its
    parent and may name ancestors that are no labels. `training_counts` has one number a name.
    """

    names: tuple[str, ...]
    unseen: tuple[str, ...] = ()
    parents: Mapping[str, str] = field(default_factory=dict)
    training_counts: tuple[int, ...] = ()

    @classmethod
    def of(cls, facts: Json) -> LabelFacts:
        """Return what a corpus' facts (its `corpus.json`) say of its labels."""
        labels = facts["labels"]
        names = tuple(labels["names"])
        counts = facts["training_counts"]
        return cls(
            names, tuple(labels["unseen"]), labels["parents"], tuple(counts[n] for n in names)
        )


@dataclass(frozen=True, slots=True)
class Tuning:
    """What was tuned on validation, and is as it is on test.

    `threshold` is the logit above which a label is assigned (multi-label), `label_thresholds`
    float64 [labels] one logit a label, `temperature` what logits are divided by before they
    become probabilities: None for a classifier that only decides.
    """

    threshold: float
    label_thresholds: np.ndarray
    temperature: float | None


@dataclass(frozen=True, slots=True)
class Scored:
    """A split of one run. Unseen labels stand behind the known ones in gold."""

    kind: Kind
    predictions: Predictions
    labels: LabelFacts
    tuning: Tuning
    hard: bool = False

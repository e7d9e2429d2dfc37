"""The same prediction for every document: how often each label occurs in training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench import BoundBackbone, Kind, LabelSpace, Parameter, Task, TrainingFacts
from benchbench.kit.artifacts import load_labels, load_settings, save_labels, save_settings
from benchbench.kit.data import multi_hot

if TYPE_CHECKING:
    import numpy as np

RAREST = 1e-6
"""Frequencies stay this far from 0 and 1, so that their logarithms are finite."""


@dataclass(frozen=True, slots=True)
class PriorClassifier:
    """Predicts one row of logits for every document."""

    row: tuple[float, ...]
    labels: LabelSpace
    facts: dict[str, Any] = field(default_factory=dict)
    hard: bool = False

    def predict_logits(self, texts: Sequence[str]) -> np.ndarray:
        """Return float32 [texts, labels]: the same row for every text."""
        import numpy as np

        return np.tile(np.array(self.row, dtype=np.float32), (len(texts), 1))

    def save(self, folder: Path) -> None:
        """Write the row and the labels."""
        save_labels(folder, self.labels)
        save_settings(folder, {"row": self.row})


class Majority:
    """Predict from the frequencies of the training labels alone."""

    name = "majority"
    description = "the frequencies of the training labels; the text is not read"
    parameters: tuple[Parameter, ...] = ()
    kinds: tuple[Kind, ...] = ("single-label", "multi-label")
    backbone_kinds: tuple[str, ...] = ()
    seeded = False

    def fit(self, task: Task) -> PriorClassifier:
        """Take log-frequencies (single-label) or log-odds (multi-label), documents weighted."""
        import numpy as np

        targets = multi_hot(task.train["labels"], len(task.labels)).astype(np.float64)
        share = np.average(targets, axis=0, weights=np.array(task.train["weight"][:], dtype=float))
        share = share.clip(RAREST, 1 - RAREST)
        row = np.log(share)
        if task.kind == "multi-label":
            row -= np.log1p(-share)
        facts = {
            "trainable_parameters": len(row),
            "total_parameters": len(row),
            "training": TrainingFacts("nothing: frequencies of the labels").to_json(),
        }
        return PriorClassifier(tuple(row.tolist()), task.labels, facts)

    def load(self, folder: Path, backbone: BoundBackbone | None) -> PriorClassifier:
        """Return the classifier that `save` wrote."""
        return PriorClassifier(tuple(load_settings(folder)["row"]), load_labels(folder))

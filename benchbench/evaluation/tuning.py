"""What is tuned on validation and applied to test: thresholds and a temperature."""

from __future__ import annotations

from benchbench.contract import Kind, Predictions, Tuning
from benchbench.evaluation.calibration import fit_temperature
from benchbench.evaluation.thresholds import tune_label_thresholds, tune_threshold


def tune(
    kind: Kind, validation: Predictions, hard: bool = False, exact_best: int | None = None
) -> Tuning:
    """Return the thresholds and the temperature that are best on validation.

    Single-label: the decision is argmax, so there is no threshold. Multi-label: one global
    threshold for micro-F1, and for comparison one per label. A hard classifier has already
    decided: its threshold is 0, and it has no probabilities that a temperature could scale. Nor is
    there a temperature where `exact_best` says that some scores are bounds.
    """
    import numpy as np

    gold, logits = validation.gold, validation.logits
    probable = not hard and exact_best is None
    temperature = fit_temperature(kind, gold, logits) if probable else None
    if hard or kind == "single-label":
        return Tuning(0.0, np.zeros(logits.shape[1]), temperature)
    threshold = tune_threshold(gold, logits)
    return Tuning(threshold, tune_label_thresholds(gold, logits, threshold), temperature)

"""Every metric by name, and all of them for a run.

A metric is a function of a scored split that returns sums over its documents, or None where it
has no value: because of the data (no hierarchy, no main codes), or because the classifier gives
decisions alone and no probabilities.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from benchbench.evaluation import agreement, calibration, f1, hierarchy, ranking
from benchbench.evaluation.scored import LabelFacts, Scored, Tuning
from benchbench.evaluation.thresholds import tune_label_thresholds, tune_threshold

if TYPE_CHECKING:
    from benchbench.contract import Kind, Predictions
    from benchbench.evaluation.sums import AdditiveMetric

Metric = Callable[[Scored], "AdditiveMetric | None"]
Probabilistic = Callable[[Scored, float], "AdditiveMetric | None"]


def raw(metric: Probabilistic) -> Metric:
    """Return a metric of the probabilities as they are; None for a hard classifier."""
    return lambda scored: None if scored.hard else metric(scored, 1.0)


def scaled(metric: Probabilistic) -> Metric:
    """Return a metric of the probabilities at the tuned temperature, where there is one."""

    def at_temperature(scored: Scored) -> AdditiveMetric | None:
        temperature = scored.tuning.temperature
        return None if temperature is None else metric(scored, temperature)

    return at_temperature


def fixed(metric: Callable[[Scored, float], AdditiveMetric]) -> Metric:
    """Return a metric of the labels with a probability above one half."""
    return lambda scored: None if scored.hard else metric(scored, 0.0)


def per_label(metric: Callable[..., AdditiveMetric]) -> Metric:
    """Return a metric of the labels above thresholds of their own."""
    return lambda scored: None if scored.hard else metric(scored, scored.tuning.label_thresholds)


BOTH: Mapping[str, Metric] = {
    "macro_f1": f1.macro_f1,
    "micro_f1": f1.micro_f1,
    "weighted_f1": f1.weighted_f1,
    "mcc": agreement.mcc,
    "head_macro_f1": partial(f1.third_macro_f1, third=0),
    "mid_macro_f1": partial(f1.third_macro_f1, third=1),
    "tail_macro_f1": partial(f1.third_macro_f1, third=2),
    "recall_at_3": partial(ranking.recall_at, k=3),
    "recall_at_5": partial(ranking.recall_at, k=5),
    "top_prediction": partial(ranking.main_code_in_top, k=1),
    "three_guesses": partial(ranking.main_code_in_top, k=3),
    "all_categories": ranking.all_categories,
    "hierarchical_precision": hierarchy.hierarchical_precision,
    "hierarchical_recall": hierarchy.hierarchical_recall,
    "hierarchical_f1": hierarchy.hierarchical_f1,
    "ece": raw(calibration.ece),
    "ece_mass": raw(calibration.ece_mass),
    "brier": raw(calibration.brier),
    "nll": raw(calibration.nll),
    "ece_scaled": scaled(calibration.ece),
    "ece_mass_scaled": scaled(calibration.ece_mass),
    "brier_scaled": scaled(calibration.brier),
    "nll_scaled": scaled(calibration.nll),
}

METRICS: Mapping[Kind, Mapping[str, Metric]] = {
    "single-label": {**BOTH, "accuracy": agreement.accuracy},
    "multi-label": {
        **BOTH,
        "samples_f1": f1.samples_f1,
        "exact_match": agreement.exact_match,
        "precision_at_1": partial(ranking.precision_at, k=1),
        "precision_at_3": partial(ranking.precision_at, k=3),
        "precision_at_5": partial(ranking.precision_at, k=5),
        "recall_at_1": partial(ranking.recall_at, k=1),
        "micro_f1_fixed": fixed(f1.micro_f1),
        "macro_f1_fixed": fixed(f1.macro_f1),
        "micro_f1_per_label": per_label(f1.micro_f1),
        "macro_f1_per_label": per_label(f1.macro_f1),
        "ece_per_label": raw(calibration.ece_per_label),
    },
}
"""All metrics but those of the levels of a hierarchy, which `metrics_of` adds."""


def metrics_of(kind: Kind, labels: LabelFacts) -> Mapping[str, Metric]:
    """Return the metrics of a kind by name: `METRICS`, and level_1_f1, ... of the hierarchy."""
    levels = range(1, hierarchy.levels(labels) + 1)
    by_level = {f"level_{level}_f1": partial(hierarchy.level_f1, level=level) for level in levels}
    return {**METRICS[kind], **by_level}


def document_sums(name: str, scored: Scored) -> AdditiveMetric | None:
    """Return a metric as sums over documents, or None where it has no value or is not known."""
    metric = metrics_of(scored.kind, scored.labels).get(name)
    return metric(scored) if metric else None


def tune(kind: Kind, validation: Predictions, hard: bool = False) -> Tuning:
    """Return what validation tells of the decision rule and of the probabilities.

    Single-label: decided by argmax, so there is no threshold. Multi-label: one global threshold
    for micro-F1, and for comparison one a label. A hard classifier has decided already: its
    threshold is 0, and it has no probabilities that a temperature could scale.
    """
    import numpy as np

    gold, logits = validation.gold, validation.logits
    temperature = None if hard else calibration.fit_temperature(kind, gold, logits)
    if hard or kind == "single-label":
        return Tuning(0.0, np.zeros(logits.shape[1]), temperature)
    threshold = tune_threshold(gold, logits)
    return Tuning(threshold, tune_label_thresholds(gold, logits, threshold), temperature)


def evaluate(
    kind: Kind, predictions: Mapping[str, Predictions], labels: LabelFacts, hard: bool = False
) -> dict[str, dict[str, float | None]]:
    """Return all metrics of validation and of test, tuned on validation.

    Beside them stand `temperature`, `labels_without_support` (how many labels the split has no
    document of), and, multi-label, `threshold`.
    """
    tuning = tune(kind, predictions["validation"], hard)
    metrics = metrics_of(kind, labels)
    values: dict[str, dict[str, float | None]] = {}
    for split, part in predictions.items():
        scored = Scored(kind, part, labels, tuning, hard)
        # one after another: the sums of a large split are let go before the next ones are made
        values[split] = {name: _value(metric(scored)) for name, metric in metrics.items()}
        values[split]["labels_without_support"] = float((~part.gold.any(axis=0)).sum())
        values[split]["temperature"] = tuning.temperature
        if kind == "multi-label":
            values[split]["threshold"] = tuning.threshold
    return values


def _value(found: AdditiveMetric | None) -> float | None:
    return None if found is None else found.value()

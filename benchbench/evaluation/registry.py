"""Every metric of the harness, one row each: the order of the rows is the order of the columns.

To add a metric, write its function in a file of this room and add its row here. Its title, its
table, its interval and its tests follow from the row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from benchbench.contract import AdditiveMetric, Kind, Metric, MetricFunction, ScoredSplit
from benchbench.evaluation import agreement, calibration, f1, hierarchy, ranking

Probabilistic = Callable[[ScoredSplit, float], AdditiveMetric | None]

FAMILIES = {
    "metrics": "Further metrics",
    "guesses": "Guesses",
    "hierarchy": "Hierarchy",
    "thresholds": "Other thresholds",
    "calibration": "Calibration",
    "plugins": "Metrics of plugins",
}
"""The tables of metrics that do not stand in the ranking, in their order: key and title."""

BOTH: tuple[Kind, ...] = ("single-label", "multi-label")
SINGLE: tuple[Kind, ...] = ("single-label",)
MULTI: tuple[Kind, ...] = ("multi-label",)
DEEPEST_LEVEL = 20
"""Label schemes in use have fewer levels; a deeper one has no F1 of the levels below."""


def unscaled(metric: Probabilistic) -> MetricFunction:
    """Return a metric of the probabilities as they are; None for a hard classifier."""
    return lambda scored: None if scored.hard else metric(scored, 1.0)


def scaled(metric: Probabilistic) -> MetricFunction:
    """Return a metric of the probabilities at the tuned temperature, where there is one."""

    def at_temperature(scored: ScoredSplit) -> AdditiveMetric | None:
        temperature = scored.tuning.temperature
        return None if temperature is None else metric(scored, temperature)

    return at_temperature


def fixed(metric: Callable[[ScoredSplit, float], AdditiveMetric]) -> MetricFunction:
    """Return a metric of the labels with a probability above one half."""
    return lambda scored: None if scored.hard else metric(scored, 0.0)


def per_label(metric: Callable[..., AdditiveMetric]) -> MetricFunction:
    """Return a metric of the labels above thresholds of their own."""
    return lambda scored: None if scored.hard else metric(scored, scored.tuning.label_thresholds)


def threshold(scored: ScoredSplit) -> float:
    """Return the logit above which a label is assigned."""
    return scored.tuning.threshold


def temperature(scored: ScoredSplit) -> float | None:
    """Return what logits are divided by before they become scaled probabilities."""
    return scored.tuning.temperature


METRICS: tuple[Metric, ...] = (
    Metric("macro_f1", "macro-F1", "metrics", BOTH, f1.macro_f1),
    Metric("micro_f1", "micro-F1", "metrics", BOTH, f1.micro_f1),
    Metric("weighted_f1", "weighted-F1", "metrics", BOTH, f1.weighted_f1),
    Metric("samples_f1", "samples-F1", "metrics", MULTI, f1.samples_f1),
    Metric("accuracy", "accuracy", "metrics", SINGLE, agreement.accuracy),
    Metric("exact_match", "exact match", "metrics", MULTI, agreement.exact_match),
    Metric("mcc", "MCC", "metrics", BOTH, agreement.mcc),
    *(
        Metric(f"{name}_macro_f1", f"macro-F1, {name}", "metrics", BOTH,
               partial(f1.third_macro_f1, third=third))
        for third, name in enumerate(("head", "mid", "tail"))
    ),
    *(
        Metric(f"precision_at_{k}", f"P@{k}", "guesses", MULTI, partial(ranking.precision_at, k=k))
        for k in (1, 3, 5)
    ),
    *(
        Metric(f"recall_at_{k}", f"R@{k}", "guesses", kinds, partial(ranking.recall_at, k=k))
        for k, kinds in ((1, MULTI), (3, BOTH), (5, BOTH))
    ),
    Metric("top_prediction", "top prediction", "guesses", BOTH,
           partial(ranking.main_code_in_top, k=1)),
    Metric("three_guesses", "three guesses", "guesses", BOTH,
           partial(ranking.main_code_in_top, k=3)),
    Metric("all_categories", "all categories", "guesses", BOTH, ranking.all_categories),
    Metric("hierarchical_f1", "hF", "hierarchy", BOTH, hierarchy.hierarchical_f1),
    Metric("hierarchical_precision", "hP", "hierarchy", BOTH, hierarchy.hierarchical_precision),
    Metric("hierarchical_recall", "hR", "hierarchy", BOTH, hierarchy.hierarchical_recall),
    *(
        Metric(f"level_{level}_f1", f"F1, level {level}", "hierarchy", BOTH,
               partial(hierarchy.level_f1, level=level))
        for level in range(1, DEEPEST_LEVEL + 1)
    ),
    Metric("threshold", "threshold", "thresholds", MULTI, threshold),
    Metric("micro_f1_fixed", "micro-F1 at 0.5", "thresholds", MULTI, fixed(f1.micro_f1)),
    Metric("macro_f1_fixed", "macro-F1 at 0.5", "thresholds", MULTI, fixed(f1.macro_f1)),
    Metric("micro_f1_per_label", "micro-F1, threshold per label", "thresholds", MULTI,
           per_label(f1.micro_f1)),
    Metric("macro_f1_per_label", "macro-F1, threshold per label", "thresholds", MULTI,
           per_label(f1.macro_f1)),
    Metric("ece", "ECE", "calibration", BOTH, unscaled(calibration.ece)),
    Metric("ece_mass", "ECE, equal mass", "calibration", BOTH, unscaled(calibration.ece_mass)),
    Metric("ece_per_label", "ECE, mean of labels", "calibration", MULTI,
           unscaled(calibration.ece_per_label)),
    Metric("brier", "Brier", "calibration", BOTH, unscaled(calibration.brier)),
    Metric("nll", "NLL", "calibration", BOTH, unscaled(calibration.nll)),
    Metric("temperature", "temperature", "calibration", BOTH, temperature),
    Metric("ece_scaled", "ECE, scaled", "calibration", BOTH, scaled(calibration.ece)),
    Metric("ece_mass_scaled", "ECE, equal mass, scaled", "calibration", BOTH,
           scaled(calibration.ece_mass)),
    Metric("brier_scaled", "Brier, scaled", "calibration", BOTH, scaled(calibration.brier)),
    Metric("nll_scaled", "NLL, scaled", "calibration", BOTH, scaled(calibration.nll)),
)  # fmt: skip


def metrics_of(kind: Kind, metrics: Iterable[Metric] = METRICS) -> tuple[Metric, ...]:
    """Return the metrics that data of a kind can have."""
    return tuple(metric for metric in metrics if kind in metric.kinds)


def title_of(name: str) -> str:
    """Return what a metric of the harness is called in a table; another name as it is."""
    return next((metric.title for metric in METRICS if metric.name == name), name)

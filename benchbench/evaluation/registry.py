"""Every metric of the harness, one row each: the order of the rows is the order of the columns.

To add a metric, write its function in a file of this room and add its row here. Its title, its
table, its interval and its tests follow from the row.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
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
"""The tables of the metrics that are not in the ranking, in order: key and title."""

BOTH: tuple[Kind, ...] = ("single-label", "multi-label")
SINGLE: tuple[Kind, ...] = ("single-label",)
MULTI: tuple[Kind, ...] = ("multi-label",)
DEEPEST_LEVEL = 20
"""The deepest level with an F1. Label schemes in use have fewer levels."""


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
    """Return a metric of the labels with a probability above one half; None if hard."""
    return lambda scored: None if scored.hard else metric(scored, 0.0)


def per_label(metric: Callable[..., AdditiveMetric]) -> MetricFunction:
    """Return a metric of the labels above one tuned threshold per label; None if hard."""
    return lambda scored: None if scored.hard else metric(scored, scored.tuning.label_thresholds)


def threshold(scored: ScoredSplit) -> float:
    """Return the logit above which a label is assigned."""
    return scored.tuning.threshold


def temperature(scored: ScoredSplit) -> float | None:
    """Return the number by which logits are divided to give scaled probabilities."""
    return scored.tuning.temperature


def error(
    name: str, title: str, function: MetricFunction, kinds: tuple[Kind, ...] = BOTH
) -> Metric:
    """Return the row of a metric of the probabilities; lower is better."""
    return Metric(name, title, "calibration", kinds, function, lower_is_better=True)


share = partial(Metric, limits=(0.0, 1.0))
"""The row of a metric between 0 and 1."""
decision = partial(share, needs_best=1)
"""The row of a metric of the decided labels: single-label, the best label is enough."""

METRICS: tuple[Metric, ...] = (
    decision("macro_f1", "macro-F1", "metrics", BOTH, f1.macro_f1),
    decision("frequent_macro_f1", "macro-F1, frequent labels", "metrics", BOTH,
             f1.frequent_macro_f1),
    decision("micro_f1", "micro-F1", "metrics", BOTH, f1.micro_f1),
    decision("weighted_f1", "weighted-F1", "metrics", BOTH, f1.weighted_f1),
    decision("samples_f1", "samples-F1", "metrics", MULTI, f1.samples_f1),
    decision("accuracy", "accuracy", "metrics", SINGLE, agreement.accuracy),
    decision("exact_match", "exact match", "metrics", MULTI, agreement.exact_match),
    Metric("mcc", "MCC", "metrics", BOTH, agreement.mcc, needs_best=1, limits=(-1.0, 1.0)),
    *(
        decision(f"{name}_macro_f1", f"macro-F1, {name}", "metrics", BOTH,
                 partial(f1.third_macro_f1, third=third))
        for third, name in enumerate(("head", "mid", "tail"))
    ),
    *(
        share(f"precision_at_{k}", f"P@{k}", "guesses", MULTI, partial(ranking.precision_at, k=k),
              needs_best=k)
        for k in (1, 3, 5)
    ),
    *(
        share(f"recall_at_{k}", f"R@{k}", "guesses", kinds, partial(ranking.recall_at, k=k),
              needs_best=k)
        for k, kinds in ((1, MULTI), (3, BOTH), (5, BOTH))
    ),
    share("top_prediction", "top prediction", "guesses", BOTH,
          partial(ranking.main_code_in_top, k=1), needs_best=1),
    share("three_guesses", "three guesses", "guesses", BOTH,
          partial(ranking.main_code_in_top, k=3), needs_best=3),
    decision("all_categories", "all categories", "guesses", BOTH, ranking.all_categories),
    decision("hierarchical_f1", "hF", "hierarchy", BOTH, hierarchy.hierarchical_f1),
    decision("hierarchical_precision", "hP", "hierarchy", BOTH, hierarchy.hierarchical_precision),
    decision("hierarchical_recall", "hR", "hierarchy", BOTH, hierarchy.hierarchical_recall),
    *(
        decision(f"level_{level}_f1", f"F1, level {level}", "hierarchy", BOTH,
                 partial(hierarchy.level_f1, level=level))
        for level in range(1, DEEPEST_LEVEL + 1)
    ),
    Metric("threshold", "threshold", "thresholds", MULTI, threshold),
    share("micro_f1_fixed", "micro-F1 at 0.5", "thresholds", MULTI, fixed(f1.micro_f1)),
    share("macro_f1_fixed", "macro-F1 at 0.5", "thresholds", MULTI, fixed(f1.macro_f1)),
    share("micro_f1_per_label", "micro-F1, threshold per label", "thresholds", MULTI,
          per_label(f1.micro_f1)),
    share("macro_f1_per_label", "macro-F1, threshold per label", "thresholds", MULTI,
          per_label(f1.macro_f1)),
    error("ece", "ECE", unscaled(calibration.ece)),
    error("ece_mass", "ECE, equal mass", unscaled(calibration.ece_mass)),
    error("ece_per_label", "ECE, mean of labels", unscaled(calibration.ece_per_label), MULTI),
    error("brier", "Brier", unscaled(calibration.brier)),
    error("nll", "NLL", unscaled(calibration.nll)),
    Metric("temperature", "temperature", "calibration", BOTH, temperature),
    error("ece_scaled", "ECE, scaled", scaled(calibration.ece)),
    error("ece_mass_scaled", "ECE, equal mass, scaled", scaled(calibration.ece_mass)),
    error("brier_scaled", "Brier, scaled", scaled(calibration.brier)),
    error("nll_scaled", "NLL, scaled", scaled(calibration.nll)),
)  # fmt: skip


def metrics_of(kind: Kind, metrics: Iterable[Metric] = METRICS) -> tuple[Metric, ...]:
    """Return the metrics that exist for data of this kind."""
    return tuple(metric for metric in metrics if kind in metric.kinds)


def evaluate(
    scored: ScoredSplit, metrics: Iterable[Metric] = METRICS, kept: Container[str] = ()
) -> tuple[dict[str, float], dict[str, AdditiveMetric]]:
    """Return the values of a split by metric, and the additive form of the metrics in `kept`.

    A metric is left out where it has no value on this split, or needs scores that are not known
    exactly. A metric that is a plain number has no additive form.
    """
    values: dict[str, float] = {}
    additive: dict[str, AdditiveMetric] = {}
    for metric in metrics_of(scored.kind, metrics):
        if not scored.knows(metric.needs_best):
            continue
        # one at a time, so that the sums of one metric are freed before the next are made
        result = metric.function(scored)
        if isinstance(result, AdditiveMetric):
            values[metric.name] = result.value()
            if metric.name in kept:
                additive[metric.name] = result
        elif result is not None:
            values[metric.name] = float(result)
    return values, additive


def title_of(name: str) -> str:
    """Return the title of a metric of the harness; any other name is returned as it is."""
    return next((metric.title for metric in METRICS if metric.name == name), name)

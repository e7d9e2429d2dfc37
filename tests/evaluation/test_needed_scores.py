"""How many of a document's scores a metric needs, as the registry says, is what it uses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchbench.contract import Metric
from benchbench.evaluation import METRICS, evaluate, tune
from benchbench.evaluation.registry import metrics_of
from tests.support.scored_cases import KINDS, SPLITS, on_every_split, random_split, value

UNKNOWN = {
    "ece", "ece_mass", "brier", "nll", "temperature", "ece_scaled", "ece_mass_scaled",
    "brier_scaled", "nll_scaled", "recall_at_5",
}  # fmt: skip
"""What is not known on single-label data where the best three scores alone are exact."""


def with_other_tails(split, best):
    """Return the split with all but the `best` highest scores of a document drawn anew."""
    logits = split.predictions.logits.copy()
    order = np.argsort(-logits, axis=1, kind="stable")[:, best:]
    lowered = logits.min() - np.random.default_rng(best).random(order.shape)
    np.put_along_axis(logits, order, lowered.astype(logits.dtype), axis=1)
    return replace(split, predictions=replace(split.predictions, logits=logits))


@on_every_split("single-label", hard=False)
@pytest.mark.parametrize("best", [1, 3])
def test_scores_that_a_metric_does_not_need_do_not_change_it(split, best):
    other = with_other_tails(split, best)
    for metric in metrics_of("single-label"):
        if metric.needs_best is not None and metric.needs_best <= best:
            assert value(metric.function(other)) == value(metric.function(split)), metric.name


def test_a_metric_that_needs_them_changes():
    split = random_split("single-label", 8, labels=12)
    other = with_other_tails(split, 3)
    changed = {
        metric.name
        for metric in metrics_of("single-label")
        if value(metric.function(other)) != value(metric.function(split))
    }
    assert changed == UNKNOWN - {"temperature"}  # which is tuned beforehand


def test_of_bounded_scores_only_what_is_known_has_a_value():
    split = SPLITS["single"]
    every, _ = evaluate(split)
    known, additive = evaluate(replace(split, exact_best=3), METRICS, {"macro_f1", "nll"})
    assert known == {name: every[name] for name in every if name not in UNKNOWN}
    assert set(every) - set(known) == UNKNOWN
    assert list(additive) == ["macro_f1"]
    decided, _ = evaluate(replace(split, exact_best=1))
    assert set(known) - set(decided) == {"recall_at_3", "three_guesses"}


def test_a_metric_of_a_plugin_is_taken_to_need_every_score_unless_it_says_otherwise():
    split = replace(SPLITS["single"], exact_best=3)
    rows = [
        Metric("theirs", "theirs", "plugins", KINDS, lambda scored: 1.0),
        Metric("top", "top", "plugins", KINDS, lambda scored: 1.0, needs_best=2),
    ]
    assert evaluate(split, rows) == ({"top": 1.0}, {})


def test_thresholds_take_every_score_so_nothing_is_known_of_bounded_multi_label_scores():
    assert evaluate(replace(SPLITS["multi"], exact_best=7)) == ({}, {})


def test_no_temperature_is_tuned_on_bounds():
    predictions = SPLITS["single"].predictions
    assert tune("single-label", predictions, exact_best=3).temperature is None
    assert tune("single-label", predictions).temperature is not None

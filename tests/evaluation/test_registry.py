"""The registry of metrics, all metrics of a run, and the metrics of agreement."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, matthews_corrcoef

from benchbench.contract import AdditiveMetric, Metric, decide
from benchbench.evaluation import agreement
from benchbench.evaluation.registry import FAMILIES, METRICS, evaluate, title_of
from benchbench.evaluation.thresholds import tune_threshold
from benchbench.evaluation.tuning import tune
from tests.support.scored_cases import (
    KINDS,
    SPLITS,
    evaluated,
    label_facts,
    metric,
    names_of,
    on_every_split,
    random_split,
    rows,
    scored,
    value,
)

BOTH = {
    "macro_f1", "frequent_macro_f1", "micro_f1", "weighted_f1", "mcc", "head_macro_f1",
    "mid_macro_f1",
    "tail_macro_f1", "recall_at_3", "recall_at_5", "top_prediction", "three_guesses",
    "all_categories", "hierarchical_precision", "hierarchical_recall", "hierarchical_f1", "ece",
    "ece_mass", "brier", "nll", "ece_scaled", "ece_mass_scaled", "brier_scaled", "nll_scaled",
}  # fmt: skip
NAMES = {
    "single-label": BOTH | {"accuracy"},
    "multi-label": BOTH | {
        "exact_match", "samples_f1", "precision_at_1", "precision_at_3", "precision_at_5",
        "recall_at_1", "micro_f1_fixed", "macro_f1_fixed", "micro_f1_per_label",
        "macro_f1_per_label", "ece_per_label",
    },
}  # fmt: skip
TUNED = {"single-label": {"temperature"}, "multi-label": {"temperature", "threshold"}}
OF_PROBABILITIES = {
    "ece", "ece_mass", "brier", "nll", "ece_scaled", "ece_mass_scaled", "brier_scaled",
    "nll_scaled", "temperature", "ece_per_label", "micro_f1_fixed", "macro_f1_fixed",
    "micro_f1_per_label", "macro_f1_per_label", "precision_at_1", "precision_at_3",
    "precision_at_5", "recall_at_1", "recall_at_3", "recall_at_5", "three_guesses",
}  # fmt: skip
LEVELS = {"level_1_f1", "level_2_f1", "level_3_f1"}


@on_every_split("single-label")
def test_accuracy_is_the_share_of_right_documents(split):
    right = [gold == decided for gold, decided in rows(split)]
    assert agreement.accuracy(split).value() == pytest.approx(sum(right) / len(right), abs=1e-12)


@on_every_split("multi-label")
def test_exact_match_is_the_share_of_documents_with_exactly_the_gold_labels(split):
    expected = accuracy_score(split.predictions.gold, split.decided())
    assert agreement.exact_match(split).value() == pytest.approx(expected, abs=1e-12)


@on_every_split("single-label")
def test_single_label_mcc_is_the_correlation_of_gold_and_decided_labels(split):
    # Gorodkin (2004): cov(gold, decided) / sqrt(cov(gold, gold) cov(decided, decided))
    pairs = list(rows(split))

    def covariance(left, right):
        n = len(pairs)
        columns = [
            ([pair[left][k] for pair in pairs], [pair[right][k] for pair in pairs])
            for k in range(len(pairs[0][0]))
        ]
        return math.fsum(
            (a - sum(first) / n) * (b - sum(second) / n)
            for first, second in columns
            for a, b in zip(first, second, strict=True)
        )

    spread = math.sqrt(covariance(0, 0) * covariance(1, 1))
    expected = covariance(0, 1) / spread if spread > 1e-9 else 0.0
    assert agreement.mcc(split).value() == pytest.approx(expected, abs=1e-12)


@on_every_split()
@pytest.mark.filterwarnings("ignore:A single label was found")
def test_mcc_agrees_with_scikit_learn(split):
    gold, decided = split.predictions.gold, split.decided()
    if split.kind == "single-label":
        gold, decided = gold.argmax(axis=1), decided.argmax(axis=1)
    expected = matthews_corrcoef(gold.ravel(), decided.ravel())
    assert agreement.mcc(split).value() == pytest.approx(np.nan_to_num(expected), abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_the_registry_names_every_metric_once(kind):
    names = [row.name for row in METRICS if kind in row.kinds]
    deep = {name for name in names if name.startswith("level_")} - LEVELS
    assert set(names) - deep == NAMES[kind] | LEVELS | TUNED[kind]
    assert len(names) == len(set(names))


def test_every_metric_has_a_title_and_a_table():
    assert all(title_of(row.name) == row.title != row.name or row.title == row.name
               for row in METRICS)  # fmt: skip
    assert {row.family for row in METRICS} <= set(FAMILIES)
    assert title_of("unheard_of") == "unheard_of"


@pytest.mark.parametrize("name", ["", "Macro", "two words", "1st", "a-b"])
def test_a_name_that_commands_and_files_cannot_use_is_refused(name):
    with pytest.raises(ValueError, match="lowercase letter"):
        Metric(name, "a title", "metrics", ("single-label",), lambda scored: 1.0)


def repeated(split, counts):
    """Return the split with every document repeated by its count."""
    part = split.predictions
    chosen = np.repeat(np.arange(len(counts)), counts)
    part = replace(
        part,
        ids=tuple(map(str, chosen)),
        groups=("",) * len(chosen),
        **{name: getattr(part, name)[chosen] for name in ("gold", "main", "logits")},
    )
    return replace(split, predictions=part)


OWN_BINS = {"ece_mass", "ece_mass_scaled"}
"""Their bins are those of the whole split, not of a resample: see test_calibration.py."""


@on_every_split()
def test_the_sums_of_a_resample_give_the_metric_of_the_repeated_documents(split):
    documents = len(split.predictions.gold)
    random = np.random.default_rng(documents)
    draws = random.multinomial(documents, np.full(documents, 1 / documents), size=3).T
    for name in names_of(split.kind) - OWN_BINS:
        result = metric(name)(split)
        if not isinstance(result, AdditiveMetric):
            continue
        values = result.from_totals(result.per_document @ draws.astype(float))
        assert values.shape == (3,), name
        for drawn, counts in zip(values, draws.T, strict=True):
            again = value(metric(name)(repeated(split, counts)))
            if again is None:  # no document with a main code is left
                assert drawn == 0.0, name
            else:
                assert drawn == pytest.approx(again, rel=1e-12, abs=1e-12), name


@on_every_split()
def test_every_metric_is_within_its_range_or_has_no_value(split):
    for name in names_of(split.kind) - {"temperature", "threshold"}:
        number = value(metric(name)(split))
        if number is not None:
            low = -1 if name == "mcc" else 0
            high = {"nll": math.inf, "brier": 2}.get(name.removesuffix("_scaled"), 1)
            assert low - 1e-12 <= number <= high + 1e-12, name


def test_the_additive_form_that_is_kept_of_a_metric_gives_its_value():
    split = SPLITS["single"]
    values, additive = evaluate(split, METRICS, {"macro_f1", "temperature", "exact_match"})
    assert list(additive) == ["macro_f1"]
    assert additive["macro_f1"].value() == values["macro_f1"]


def test_a_metric_may_be_a_plain_number_or_have_no_value():
    rows = [
        Metric("seven", "seven", "metrics", KINDS, lambda scored: 7),
        Metric("none", "none", "metrics", KINDS, lambda scored: None),
        Metric("others", "others", "metrics", ("multi-label",), lambda scored: 1.0),
    ]
    assert evaluate(SPLITS["single"], rows, {"seven"}) == ({"seven": 7.0}, {})


def splits_of(kind, **options):
    return {
        name: random_split(kind, seed, documents=50, **options).predictions
        for seed, name in ((70, "validation"), (71, "test"))
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hard", [False, True], ids=["soft", "hard"])
@pytest.mark.parametrize("unseen", [0, 2])
def test_a_run_has_every_metric_on_both_splits(kind, hard, unseen):
    labels = label_facts(7, unseen)
    predictions = splits_of(kind, unseen=unseen)
    by_split = evaluated(kind, predictions, labels, hard)
    tuning = tune(kind, predictions["validation"], hard)
    assert list(by_split) == ["validation", "test"]
    for split, values in by_split.items():
        expected = NAMES[kind] | LEVELS | TUNED[kind]
        missing = OF_PROBABILITIES | {"top_prediction", "all_categories"} if hard else set()
        missing |= {"nll", "nll_scaled"} if unseen else set()
        missing |= {"frequent_macro_f1"}  # no label is known to be frequent
        assert expected - missing <= set(values) <= expected
        assert json.loads(json.dumps(values, allow_nan=False)) == values
        assert values.get("temperature") == tuning.temperature
        part = scored(kind, [], np.zeros((0, 7)), labels=labels)
        part = replace(part, predictions=predictions[split], tuning=tuning, hard=hard)
        assert values["macro_f1"] == value(metric("macro_f1")(part))


def test_thresholds_and_temperature_depend_on_validation_only():
    before = splits_of("multi-label")
    test, validation = before["test"], before["validation"]
    other = replace(test, gold=~test.gold, logits=test.logits[::-1] * 3)
    runs = [
        before,
        {**before, "test": other},
        {**before, "validation": replace(validation, gold=~validation.gold)},
    ]
    values = [evaluated("multi-label", run, label_facts(7))["test"] for run in runs]
    for name in ("threshold", "temperature"):
        assert values[0][name] == values[1][name]
        assert values[0][name] != values[2][name]
    assert values[0]["threshold"] == tune_threshold(validation.gold, validation.logits)


def test_validation_also_tunes_one_threshold_per_label():
    validation = splits_of("multi-label")["validation"]
    tuning = tune("multi-label", validation)
    assert len(set(tuning.label_thresholds.tolist())) > 1
    values = evaluated("multi-label", {"validation": validation}, label_facts(7))["validation"]
    assert values["macro_f1_per_label"] > max(values["macro_f1"], values["macro_f1_fixed"])
    assert values["micro_f1"] >= values["micro_f1_fixed"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_hard_classifier_is_not_tuned(kind):
    tuning = tune(kind, splits_of(kind)["validation"], hard=True)
    assert (tuning.threshold, tuning.temperature) == (0.0, None)
    assert not tuning.label_thresholds.any()


def test_a_single_label_document_gets_the_label_with_the_highest_score():
    data = splits_of("single-label")
    values = evaluated("single-label", data, label_facts(7))["test"]
    assert "threshold" not in values
    right = data["test"].gold.argmax(1) == data["test"].logits.argmax(1)
    assert values["accuracy"] == pytest.approx(right.mean(), abs=1e-12)
    assert values["micro_f1"] == pytest.approx(right.mean(), abs=1e-12)


def test_an_unseen_label_counts_as_missed_in_every_metric():
    split = scored("single-label", np.eye(3), np.eye(3, 2))  # the third is not in the space of two
    assert decide("single-label", split.predictions.logits).shape == (3, 2)
    for name in ("accuracy", "micro_f1"):
        assert metric(name)(split).value() == pytest.approx(2 / 3)
    assert metric("macro_f1")(split).value() < 2 / 3
    assert metric("nll")(split) is None

"""Metrics against their definitions, written out as loops."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchbench.evaluation.metrics import evaluate, scores
from benchbench.evaluation.thresholds import decide, tune_threshold
from benchbench.predictions import Predictions

SINGLE = ("accuracy", "macro_f1", "micro_f1", "weighted_f1")
MULTI = ("exact_match", "micro_f1", "macro_f1", "weighted_f1", "samples_f1")


def f1(true_positives, false_positives, false_negatives):
    below = 2 * true_positives + false_positives + false_negatives
    return 2 * true_positives / below if below else 0.0


def counts(gold, decided):
    """Return (true positives, false positives, false negatives) of two lists of booleans."""
    pairs = list(zip(gold, decided, strict=True))
    return (
        sum(g and d for g, d in pairs),
        sum(d and not g for g, d in pairs),
        sum(g and not d for g, d in pairs),
    )


def defined(kind, gold, decided):
    """Return the metrics by their definitions."""
    unseen = gold.shape[1] - decided.shape[1]
    rows = [
        ([bool(x) for x in g], [bool(x) for x in d] + [False] * unseen)
        for g, d in zip(gold, decided, strict=True)
    ]
    columns = [
        counts([g[label] for g, _ in rows], [d[label] for _, d in rows])
        for label in range(gold.shape[1])
    ]
    support = [true + missed for true, _, missed in columns]
    values = [f1(*column) for column in columns]
    found = {
        "macro_f1": math.fsum(values) / len(values),
        "micro_f1": f1(*(sum(column[i] for column in columns) for i in range(3))),
        "weighted_f1": (
            math.fsum(value * weight for value, weight in zip(values, support, strict=True))
            / sum(support)
            if sum(support)
            else 0.0
        ),
        "labels_without_support": float(support.count(0)),
    }
    if kind == "single-label":
        hits = [any(a and b for a, b in zip(g, d, strict=True)) for g, d in rows]
        return {**found, "accuracy": sum(hits) / len(hits)}
    found["samples_f1"] = math.fsum(f1(*counts(g, d)) for g, d in rows) / len(rows)
    found["exact_match"] = sum(g == d for g, d in rows) / len(rows)
    return found


def one_hot(labels, size):
    return np.eye(size, dtype=bool)[labels]


def single(random, documents=40, labels=5, unseen=0):
    gold = one_hot(random.integers(0, labels + unseen, documents), labels + unseen)
    return gold, one_hot(random.integers(0, labels, documents), labels)


def multi(random, documents=40, labels=5, unseen=0, share=0.3):
    return (
        random.random((documents, labels + unseen)) < share,
        random.random((documents, labels)) < share,
    )


def fill(rows, columns, value):
    return np.full((rows, columns), value, dtype=bool)


RANDOM = np.random.default_rng(7)
CASES = [
    *(pytest.param("single-label", *single(RANDOM), id=f"single-{i}") for i in range(5)),
    *(pytest.param("single-label", *single(RANDOM, unseen=2), id=f"unseen-{i}") for i in range(3)),
    *(pytest.param("multi-label", *multi(RANDOM), id=f"multi-{i}") for i in range(5)),
    *(pytest.param("multi-label", *multi(RANDOM, unseen=3), id=f"multi-unseen-{i}")
      for i in range(3)),
    pytest.param("single-label", *single(RANDOM, documents=3, labels=9), id="without-support"),
    pytest.param("single-label", *single(RANDOM, documents=1, labels=2), id="one-document"),
    pytest.param("single-label", one_hot([0] * 4, 3), one_hot([0] * 4, 3), id="one-class"),
    pytest.param("single-label", one_hot([0, 1, 2], 3), one_hot([1, 2, 0], 3), id="all-wrong"),
    pytest.param("single-label", one_hot([2, 2], 3), one_hot([0, 1], 2), id="all-unseen"),
    pytest.param("single-label", one_hot([0, 1, 1], 2), one_hot([0, 0, 1], 2), id="two-classes"),
    pytest.param("multi-label", fill(4, 3, False), fill(4, 3, False), id="nothing-at-all"),
    pytest.param("multi-label", fill(4, 3, False), fill(4, 3, True), id="no-positives"),
    pytest.param("multi-label", fill(4, 3, True), fill(4, 3, False), id="nothing-decided"),
    pytest.param("multi-label", fill(4, 3, True), fill(4, 3, True), id="all-of-everything"),
    pytest.param("multi-label", *multi(RANDOM, documents=1), id="one-document-multi"),
    pytest.param("multi-label", *multi(RANDOM, labels=2), id="two-labels-multi"),
    pytest.param("multi-label", *multi(RANDOM, labels=1), id="one-label-multi"),
    pytest.param("multi-label", *multi(RANDOM, documents=9, labels=1, share=0), id="one-void"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "gold", "decided"), CASES)
def test_metrics_are_what_their_definitions_say(kind, gold, decided):
    expected = defined(kind, gold, decided)
    found = scores(kind, gold, decided)
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-12), name


def predictions(gold, logits):
    n = len(gold)
    return Predictions(
        tuple(map(str, range(n))),
        gold,
        np.full(n, -1, dtype=np.int32),
        ("",) * n,
        logits.astype(np.float32),
    )


def parts(kind="multi-label", labels=4):
    random = np.random.default_rng(3)
    make = single if kind == "single-label" else multi
    return {
        split: predictions(make(random, 50, labels)[0], random.normal(size=(50, labels)))
        for split in ("validation", "test")
    }


def test_the_threshold_comes_from_validation_alone():
    before = parts()
    test = before["test"]
    after = {**before, "test": predictions(~test.gold, test.logits[::-1] * 3)}
    found = [evaluate("multi-label", each)["test"]["threshold"] for each in (before, after)]
    assert found[0] == found[1]
    validation = before["validation"]
    assert found[0] == tune_threshold(validation.gold, validation.logits)
    other = {**before, "validation": predictions(~validation.gold, validation.logits)}
    assert evaluate("multi-label", other)["test"]["threshold"] != found[0]


def test_a_classifier_that_only_decides_is_not_tuned():
    found = evaluate("multi-label", parts(), hard=True)
    assert {split: values["threshold"] for split, values in found.items()} == {
        "validation": 0.0,
        "test": 0.0,
    }


def test_single_label_data_have_no_threshold_and_are_decided_by_the_highest_score():
    data = parts("single-label")
    found = evaluate("single-label", data)["test"]
    assert "threshold" not in found
    right = data["test"].gold.argmax(1) == data["test"].logits.argmax(1)
    assert found["accuracy"] == pytest.approx(right.mean(), abs=1e-12)


@pytest.mark.parametrize(("kind", "names"), [("single-label", SINGLE), ("multi-label", MULTI)])
def test_every_metric_of_the_leaderboard_is_there_for_both_splits(kind, names):
    for values in evaluate(kind, parts(kind)).values():
        assert set(names) <= set(values)
        assert all(0 <= values[name] <= 1 for name in names)


def test_a_wrong_average_would_be_noticed():
    gold, decided = one_hot([0, 0, 0, 1], 2), one_hot([0, 0, 0, 0], 2)
    found = scores("single-label", gold, decided)
    assert found["macro_f1"] == pytest.approx(3 / 7, abs=1e-12)
    assert found["micro_f1"] == pytest.approx(3 / 4, abs=1e-12)
    assert found["weighted_f1"] == pytest.approx(3 / 4 * 6 / 7, abs=1e-12)


def test_an_unseen_label_counts_as_missed_everywhere():
    gold = one_hot([0, 1, 2], 3)  # the third label is not in the space of two
    found = scores("single-label", gold, decide("single-label", np.eye(3, 2)))
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["macro_f1"] < 2 / 3

"""F1 in all its averages: against loops over its definition, and against scikit-learn."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from benchbench.evaluation import f1
from tests.support.scored_cases import (
    labels_of,
    metric,
    on_every_split,
    random_split,
    rows,
    scored,
    value,
)


def ratio_of(true_positives, false_positives, false_negatives):
    below = 2 * true_positives + false_positives + false_negatives
    return 2 * true_positives / below if below else 0.0


def counts(pairs):
    """Return (true positives, false positives, false negatives) of (gold, decided)."""
    pairs = list(pairs)
    return (
        sum(g and d for g, d in pairs),
        sum(d and not g for g, d in pairs),
        sum(g and not d for g, d in pairs),
    )


def by_definition(documents):
    """Return the averages, and the F1 of every label, of (gold, decided) of every document."""
    documents = list(documents)
    labels = [
        counts((gold[label], decided[label]) for gold, decided in documents)
        for label in range(len(documents[0][0]))
    ]
    support = [true + missed for true, _, missed in labels]
    values = [ratio_of(*label) for label in labels]
    weighted = math.fsum(v * weight for v, weight in zip(values, support, strict=True))
    return {
        "label_f1": values,
        "macro_f1": math.fsum(values) / len(values),
        "micro_f1": ratio_of(*(sum(label[n] for label in labels) for n in range(3))),
        "weighted_f1": weighted / sum(support) if sum(support) else 0.0,
        "samples_f1": math.fsum(
            ratio_of(*counts(zip(gold, decided, strict=True))) for gold, decided in documents
        )
        / len(documents),
    }


def compare(split):
    expected = by_definition(rows(split))
    assert f1.label_f1(split) == pytest.approx(expected.pop("label_f1"), abs=1e-12)
    for name, average in expected.items():
        assert getattr(f1, name)(split).value() == pytest.approx(average, abs=1e-12), name


@on_every_split()
def test_every_average_agrees_with_its_definition(split):
    compare(split)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_every_average_agrees_with_its_definition_on_random_data(data):
    documents, labels, unseen = (data.draw(st.integers(*ends)) for ends in ((1, 6), (1, 4), (0, 2)))
    cells = st.lists(st.booleans(), min_size=labels + unseen, max_size=labels + unseen)
    gold = data.draw(st.lists(cells, min_size=documents, max_size=documents))
    score = st.sampled_from([-1e4, -1.0, -0.0, 0.0, 0.5, 1.0, 3e38])
    line = st.lists(score, min_size=labels, max_size=labels)
    compare(scored("multi-label", gold, data.draw(st.lists(line, min_size=len(gold),
                                                           max_size=len(gold)))))  # fmt: skip


@on_every_split()
@pytest.mark.parametrize("average", ["macro", "micro", "weighted", "samples"])
def test_every_average_agrees_with_scikit_learn(split, average):
    # with one column, scikit-learn would see two classes: add a column and leave it out
    gold, decided = (
        np.pad(matrix, ((0, 0), (0, 1))) for matrix in (split.predictions.gold, split.decided())
    )
    labels = np.arange(gold.shape[1] - 1)
    expected = f1_score(gold, decided, labels=labels, average=average, zero_division=0.0)
    assert getattr(f1, f"{average}_f1")(split).value() == pytest.approx(expected, abs=1e-12)


def test_the_averages_of_an_unbalanced_example_differ_as_computed_by_hand():
    gold, logits = np.eye(2)[[0, 0, 0, 1]], np.eye(2)[[0, 0, 0, 0]]
    split = scored("single-label", gold, logits)
    assert f1.macro_f1(split).value() == pytest.approx(3 / 7, abs=1e-12)
    assert f1.micro_f1(split).value() == pytest.approx(3 / 4, abs=1e-12)
    assert f1.weighted_f1(split).value() == pytest.approx(3 / 4 * 6 / 7, abs=1e-12)


def test_macro_f1_is_not_the_f1_of_mean_precision_and_mean_recall():
    split = scored("single-label", np.eye(2)[[0, 0, 0, 1]], np.eye(2)[[1, 1, 0, 1]])
    precision, recall = (1 + 1 / 3) / 2, (1 / 3 + 1) / 2
    averages = 2 * precision * recall / (precision + recall)
    assert f1.macro_f1(split).value() == pytest.approx(1 / 2, abs=1e-12)
    assert averages == pytest.approx(2 / 3)


def test_an_unseen_label_counts_as_missed_in_every_average():
    split = scored("single-label", np.eye(3), np.eye(3, 2))
    assert f1.macro_f1(split).value() == pytest.approx((2 / 3 + 1 + 0) / 3, abs=1e-12)
    assert f1.micro_f1(split).value() == pytest.approx(2 / 3, abs=1e-12)
    assert f1.label_f1(split)[2] == 0.0


def facts(counts, unseen=()):
    return labels_of(tuple(f"label {n}" for n in range(len(counts))), unseen, {}, counts)


def test_head_mid_and_tail_are_thirds_by_training_frequency_with_ties_in_label_order():
    head, mid, tail = f1.thirds(facts((1, 9, 5, 5, 0, 9, 5, 2), ("new", "newer")))
    assert head.tolist() == [1, 5, 2]
    assert mid.tolist() == [3, 6, 7]
    assert tail.tolist() == [0, 4, 8, 9]


@pytest.mark.parametrize("kind", ["single-label", "multi-label"])
@pytest.mark.parametrize("unseen", [0, 3])
def test_macro_f1_of_a_third_is_the_mean_of_its_labels(kind, unseen):
    split = random_split(kind, 8, labels=8, unseen=unseen)
    ranked = sorted(range(8), key=lambda n: (-split.labels.training_counts[n], n))
    of_labels = by_definition(rows(split))["label_f1"]
    thirds = {"head": ranked[:3], "mid": ranked[3:6], "tail": [*ranked[6:], *range(8, 8 + unseen)]}
    for name, chosen in thirds.items():
        expected = math.fsum(of_labels[n] for n in chosen) / len(chosen)
        third = value(metric(f"{name}_macro_f1")(split))
        assert third == pytest.approx(expected, abs=1e-12), name


def test_fewer_than_six_labels_or_unknown_frequencies_give_no_thirds():
    names = ("head_macro_f1", "mid_macro_f1", "tail_macro_f1")
    few = random_split("single-label", 9, labels=5, unseen=4)
    enough = random_split("single-label", 9, labels=6)
    unknown = replace(enough, labels=replace(enough.labels, training_counts=()))
    for name in names:
        third = metric(name)
        assert third(few) is None
        assert third(unknown) is None
        assert third(enough) is not None


@on_every_split("multi-label", hard=False)
def test_a_metric_at_another_threshold_is_the_metric_of_the_labels_above_it(split):
    known = split.predictions.logits.shape[1]
    cuts = {"fixed": [0.0] * known, "per_label": split.tuning.label_thresholds.tolist()}
    for name, thresholds in cuts.items():
        documents = [
            (gold, [s > cut for s, cut in zip(logits.tolist(), thresholds, strict=True)]
             + [False] * (len(gold) - known))
            for (gold, _), logits in zip(rows(split), split.predictions.logits, strict=True)
        ]  # fmt: skip
        expected = by_definition(documents)
        for average in ("micro_f1", "macro_f1"):
            result = value(metric(f"{average}_{name}")(split))
            assert result == pytest.approx(expected[average], abs=1e-12)


def test_a_hard_classifier_has_no_metrics_at_other_thresholds():
    split = random_split("multi-label", 10, hard=True)
    for name in ("micro_f1_fixed", "macro_f1_fixed", "micro_f1_per_label", "macro_f1_per_label"):
        assert metric(name)(split) is None

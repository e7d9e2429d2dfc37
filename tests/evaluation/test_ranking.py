"""Precision and recall at k, and the measures of main codes: against loops over sorted labels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbench.evaluation import ranking
from benchbench.evaluation.registry import metrics_of
from tests.support.scored_cases import KINDS, metric, on_every_split, random_split, scored, value


def ranked(logits):
    """Return labels from the highest to the lowest score; equals in label order."""
    return sorted(range(len(logits)), key=lambda label: (-logits[label], label))


def defined(split, k):
    """Return P@k and R@k of the split, by their definitions."""
    precision, recall = [], []
    for gold, logits in zip(split.predictions.gold, split.predictions.logits, strict=True):
        hits = sum(bool(gold[label]) for label in ranked(logits.tolist())[:k])
        precision.append(hits / k)
        recall.append(hits / sum(gold.tolist()) if any(gold) else 0.0)
    return math.fsum(precision) / len(precision), math.fsum(recall) / len(recall)


@on_every_split(hard=False)
@pytest.mark.parametrize("k", [1, 3, 5])
def test_precision_and_recall_at_k_agree_with_their_definitions(split, k):
    values = value(ranking.precision_at(split, k)), value(ranking.recall_at(split, k))
    if k > split.predictions.logits.shape[1]:
        assert values == (None, None)
    else:
        assert values == pytest.approx(defined(split, k), abs=1e-12)


@on_every_split(hard=False)
def test_the_metrics_of_main_codes_agree_with_plain_loops(split):
    documents = [
        (ranked(logits.tolist()), gold, int(main))
        for gold, logits, main in zip(
            split.predictions.gold,
            split.predictions.logits,
            split.predictions.main,
            strict=True,
        )
        if main >= 0
    ]
    labels = split.predictions.logits.shape[1]
    hits = {
        "top_prediction": [main == order[0] for order, _, main in documents],
        "three_guesses": [main in order[:3] for order, _, main in documents if labels >= 3],
        "all_categories": [bool(gold[order[0]]) for order, gold, _ in documents],
    }
    for name, documents_hit in hits.items():
        share = value(metric(name)(split))
        if documents_hit:
            assert share == pytest.approx(sum(documents_hit) / len(documents), abs=1e-12), name
        else:
            assert share is None


@given(
    st.lists(
        st.lists(st.sampled_from([-3e38, -1.0, -0.0, 0.0, 1.0, 2.0]), min_size=5, max_size=5),
        min_size=1,
        max_size=4,
    ),
    st.integers(1, 5),
)
@settings(max_examples=100, deadline=None)
def test_the_top_labels_are_the_first_of_a_stable_sort(logits, k):
    split = scored("multi-label", np.zeros((len(logits), 5)), logits)
    assert ranking.top_labels(split, k).tolist() == [ranked(line)[:k] for line in logits]
    assert split.predictions.logits.tolist() == np.float32(logits).tolist()  # unchanged


def test_equal_scores_are_ranked_by_label_order():
    gold = [[True, False, False], [False, False, True]]
    split = scored("multi-label", gold, np.full((2, 3), 0.5))
    assert ranking.precision_at(split, 1).value() == 0.5
    assert ranking.recall_at(split, 1).value() == 0.5


def test_a_main_code_that_is_unseen_or_second_best_is_not_the_first_guess():
    gold = np.eye(4)[[0, 1, 3]]
    logits = [[2, 1, 0], [2, 1, 0], [2, 1, 0]]
    split = scored("multi-label", gold, logits, main=[0, 1, 3])
    assert ranking.main_code_in_top(split, 1).value() == pytest.approx(1 / 3)
    assert ranking.main_code_in_top(split, 3).value() == pytest.approx(2 / 3)


def test_a_secondary_code_counts_only_for_all_categories():
    split = scored("multi-label", [[True, True]], [[1.0, 0.0]], main=[1])
    assert ranking.main_code_in_top(split, 1).value() == 0.0
    assert ranking.all_categories(split).value() == 1.0


@pytest.mark.parametrize("kind", KINDS)
def test_without_main_codes_their_metrics_have_no_value(kind):
    split = scored(kind, np.eye(3), np.eye(3))
    for name in ("top_prediction", "three_guesses", "all_categories"):
        assert metric(name)(split) is None


def test_a_hard_classifier_has_no_ranking_except_the_one_single_label_that_it_decides():
    single, multi = (random_split(kind, 21, hard=True) for kind in KINDS)
    for row in metrics_of("multi-label"):
        name, function = row.name, row.function
        if "_at_" in name or name in ("top_prediction", "three_guesses", "all_categories"):
            assert function(multi) is None, name
    assert metric("recall_at_3")(single) is None
    assert metric("three_guesses")(single) is None
    assert metric("top_prediction")(single) is not None

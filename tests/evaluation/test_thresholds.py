"""Tuned thresholds: each is the best of all possible ones, found by trying them all."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbench.contract import decide
from benchbench.evaluation.thresholds import (
    tune_label_thresholds,
    tune_threshold,
)
from tests.support.scored_cases import on_every_split, rows


def micro_f1(gold, decided):
    known = gold[:, : decided.shape[1]]
    true_positives = (known & decided).sum()
    total = decided.sum() + gold.sum()
    return 2 * true_positives / total if total else 0.0


def best_by_trying(gold, logits):
    """Return the best micro-F1 over all possible cuts."""
    cuts = [*np.unique(logits.astype(np.float64)), np.inf, -np.inf]
    return max(micro_f1(gold, logits >= cut) for cut in cuts)


def achieved(gold, logits):
    return micro_f1(gold, decide("multi-label", logits, tune_threshold(gold, logits)))


CASES = st.integers(1, 8).flatmap(
    lambda rows: st.integers(1, 3).flatmap(
        lambda columns: st.tuples(
            st.integers(0, 2).flatmap(
                lambda unseen: st.lists(
                    st.booleans(),
                    min_size=rows * (columns + unseen),
                    max_size=rows * (columns + unseen),
                ).map(lambda flat: np.array(flat).reshape(rows, columns + unseen))
            ),
            st.lists(
                st.floats(-1e6, 1e6, width=32) | st.sampled_from([0.0, -0.0, 1.0, -1.0]),
                min_size=rows * columns,
                max_size=rows * columns,
            ).map(lambda flat: np.array(flat, np.float32).reshape(rows, columns)),
        )
    )
)


@given(CASES)
@settings(max_examples=150, deadline=None)
def test_no_other_threshold_has_a_higher_micro_f1(case):
    gold, logits = case
    assert achieved(gold, logits) == pytest.approx(best_by_trying(gold, logits), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_no_other_threshold_has_a_higher_micro_f1_on_data_with_many_ties(seed):
    random = np.random.default_rng(seed)
    gold = random.random((60, 7)) < 0.2
    logits = np.round(gold + random.normal(size=(60, 7)), 1).astype(np.float32)
    assert achieved(gold, logits) == pytest.approx(best_by_trying(gold, logits), abs=1e-12)


def test_a_threshold_can_lie_between_neighbouring_float32_scores():
    for low in (np.float32(0.1), np.float32(1.0), np.float32(-3.7)):
        high = np.nextafter(low, np.float32(np.inf))
        gold = np.array([[True], [False]])
        logits = np.array([[high], [low]], dtype=np.float32)
        assert achieved(gold, logits) == 1.0


def test_equal_scores_get_equal_decisions():
    gold = np.array([[True, False], [True, True]])
    logits = np.full((2, 2), 0.25, dtype=np.float32)
    threshold = tune_threshold(gold, logits)
    assert threshold < 0.25
    assert decide("multi-label", logits, threshold).all()


def test_of_equally_good_thresholds_the_nearest_to_a_probability_of_one_half_is_taken():
    gold = np.array([[True], [False], [False]])
    logits = np.array([[2.0], [-1.0], [-3.0]], dtype=np.float32)
    assert tune_threshold(gold, logits) == 0.5
    no_gold = np.zeros((3, 1), dtype=bool)
    assert abs(tune_threshold(no_gold, logits)) <= 0.5


def test_labels_that_cannot_be_predicted_count_as_missed_in_the_tuning():
    gold = np.array([[True, True], [False, True], [False, True]])
    logits = np.array([[3.0], [2.0], [1.0]], dtype=np.float32)
    assert achieved(gold, logits) == pytest.approx(2 / (1 + 4))


def test_a_single_label_document_gets_exactly_one_label():
    logits = np.array([[0.1, 0.3, 0.3], [-5.0, -4.0, -6.0]], dtype=np.float32)
    decided = decide("single-label", logits)
    assert decided.tolist() == [[False, True, False], [False, True, False]]


@given(CASES)
@settings(max_examples=100, deadline=None)
def test_no_other_threshold_of_a_label_has_a_higher_f1(case):
    gold, logits = case
    thresholds = tune_label_thresholds(gold, logits, 7.5)
    assert thresholds.shape == (logits.shape[1],)
    decided = decide("multi-label", logits, thresholds)
    for n, threshold in enumerate(thresholds):
        of_label, scores = gold[:, [n]], logits[:, [n]]
        if of_label.any():
            best = best_by_trying(of_label, scores)
            assert micro_f1(of_label, decided[:, [n]]) == pytest.approx(best, abs=1e-12)
            assert threshold == tune_threshold(of_label, scores)
        else:
            assert threshold == 7.5


def sweep(gold, logits):
    """Return the threshold by trying the midpoint below every score, one after another."""
    scores = sorted({float(score) for score in logits.ravel()})
    middles = [scores[0] - 0.5, *((a + b) / 2 for a, b in pairwise(scores))]
    values = {middle: micro_f1(gold, logits > np.float64(middle)) for middle in middles}
    best = max(values.values())
    return min((m for m, f1 in values.items() if f1 >= best - 1e-12), key=abs)


@given(CASES)
@settings(max_examples=100, deadline=None)
def test_the_threshold_agrees_with_a_plain_sweep_over_all_midpoints(case):
    gold, logits = case
    assert abs(tune_threshold(gold, logits)) == abs(sweep(gold, logits))


def test_a_label_without_a_document_in_validation_takes_the_global_threshold():
    gold = np.array([[True, False], [False, False]])
    logits = np.array([[2.0, 5.0], [1.0, 4.0]], dtype=np.float32)
    assert tune_label_thresholds(gold, logits, -0.25).tolist() == [1.5, -0.25]


@on_every_split()
def test_decided_labels_have_the_columns_of_gold_and_unseen_labels_are_never_decided(split):
    assert split.decided().tolist() == [decided for _, decided in rows(split)]

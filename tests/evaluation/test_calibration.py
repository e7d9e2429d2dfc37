"""Calibration errors, proper scores and temperature, against their definitions as loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from sklearn.metrics import brier_score_loss, log_loss

from benchbench.evaluation import calibration
from tests.support.scored_cases import (
    KINDS,
    metric,
    names_of,
    on_every_split,
    predictions,
    random_split,
    scored,
    value,
)

TEMPERATURES = pytest.mark.parametrize("temperature", [1.0, 0.3, 4.0])


def sigmoid(x):
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def softmax(logits):
    powers = [math.exp(logit - max(logits)) for logit in logits]
    return [power / math.fsum(powers) for power in powers]


def divided(split, temperature):
    """Return the logits over the temperature, as lists of Python's floats."""
    return [[x / temperature for x in line] for line in split.predictions.logits.tolist()]


@on_every_split()
@TEMPERATURES
def test_probabilities_are_softmax_or_sigmoids_and_0_for_unseen_labels(split, temperature):
    probability = calibration.probabilities(split, temperature)
    known = split.predictions.logits.shape[1]
    assert probability.dtype == np.float64
    assert probability.shape == split.predictions.gold.shape
    assert not probability[:, known:].any()
    lines = probability[:, :known].tolist()
    for line, logits in zip(lines, divided(split, temperature), strict=True):
        single = split.kind == "single-label"
        expected = softmax(logits) if single else [sigmoid(logit) for logit in logits]
        assert line == pytest.approx(expected, rel=1e-12, abs=1e-12)


def confidences_of(split, temperature):
    """Return (confidence, whether it came true) of every document, as lists."""
    gold, logits = split.predictions.gold.tolist(), split.predictions.logits.tolist()
    probability = calibration.probabilities(split, temperature).tolist()
    if split.kind == "multi-label":
        return [list(zip(*line, strict=True)) for line in zip(probability, gold, strict=True)]
    tops = [scores.index(max(scores)) for scores in logits]
    lines = zip(probability, gold, tops, strict=True)
    return [[(line[top], labels[top])] for line, labels, top in lines]


def width_bin(confidence, _):
    return min(math.floor(confidence * 15), 14)


def mass_bin(confidence, everything):
    smaller = sum(other < confidence for other, _ in everything)
    return 15 * smaller // len(everything)


def error_of(pairs, bin_of):
    """Return the sum over bins of their share times |accuracy - mean confidence|."""
    bins = {}
    for confidence, hit in pairs:
        bins.setdefault(bin_of(confidence, pairs), []).append((confidence, hit))
    return math.fsum(
        len(inside) / len(pairs)
        * abs(sum(hit for _, hit in inside) / len(inside)
              - math.fsum(confidence for confidence, _ in inside) / len(inside))
        for inside in bins.values()
    )  # fmt: skip


@on_every_split(hard=False)
@TEMPERATURES
def test_calibration_errors_are_what_their_definitions_say(split, temperature):
    documents = confidences_of(split, temperature)
    pooled = [pair for line in documents for pair in line]
    error = calibration.ece(split, temperature).value()
    assert error == pytest.approx(error_of(pooled, width_bin), abs=1e-12)
    error = calibration.ece_mass(split, temperature).value()
    assert error == pytest.approx(error_of(pooled, mass_bin), abs=1e-12)
    if split.kind == "multi-label":
        labels = [error_of(list(label), width_bin) for label in zip(*documents, strict=True)]
        error = calibration.ece_per_label(split, temperature).value()
        assert error == pytest.approx(math.fsum(labels) / len(labels), abs=1e-12)


@on_every_split(hard=False)
@TEMPERATURES
def test_brier_and_nll_are_what_their_definitions_say(split, temperature):
    probability = calibration.probabilities(split, temperature).tolist()
    gold = split.predictions.gold.tolist()
    squares = [
        math.fsum((p - g) ** 2 for p, g in zip(*line, strict=True))
        for line in zip(probability, gold, strict=True)
    ]
    per_document = 1 if split.kind == "single-label" else len(gold[0])
    brier = math.fsum(squares) / len(squares) / per_document
    assert calibration.brier(split, temperature).value() == pytest.approx(brier, abs=1e-12)
    known = split.predictions.logits.shape[1]
    if any(any(line[known:]) for line in gold):
        assert calibration.nll(split, temperature) is None
        return
    nll = [
        document_nll(split.kind, labels, logits)
        for labels, logits in zip(gold, divided(split, temperature), strict=True)
    ]
    expected = math.fsum(nll) / len(nll)
    assert calibration.nll(split, temperature).value() == pytest.approx(expected, rel=1e-12,
                                                                        abs=1e-12)  # fmt: skip


def document_nll(kind, gold, logits):
    if kind == "single-label":
        highest = max(logits)
        total = math.log(math.fsum(math.exp(logit - highest) for logit in logits))
        return total - (logits[gold.index(True)] - highest)
    signed = [-z if is_gold else z for is_gold, z in zip(gold, logits, strict=False)]
    return math.fsum(max(z, 0.0) + math.log1p(math.exp(-abs(z))) for z in signed)


@pytest.mark.parametrize("seed", range(3))
def test_proper_scores_are_those_of_scikit_learn(seed):
    single, multi = (random_split(kind, seed) for kind in KINDS)
    probability = calibration.probabilities(single)
    gold = single.predictions.gold.argmax(axis=1)
    loss = log_loss(gold, probability, labels=range(7))
    assert calibration.nll(single).value() == pytest.approx(loss, abs=1e-12)
    squares = [brier_score_loss(gold == label, probability[:, label]) for label in range(7)]
    assert calibration.brier(single).value() == pytest.approx(sum(squares), abs=1e-12)
    probability, gold = calibration.probabilities(multi), multi.predictions.gold
    losses = [log_loss(gold[:, n], probability[:, n], labels=[0, 1]) for n in range(7)]
    assert calibration.nll(multi).value() == pytest.approx(math.fsum(losses), abs=1e-12)
    pooled = brier_score_loss(gold.ravel(), probability.ravel())
    assert calibration.brier(multi).value() == pytest.approx(pooled, abs=1e-12)


@on_every_split(hard=False)
def test_the_bins_of_the_reliability_diagram_add_up_to_the_calibration_error(split):
    bins = calibration.reliability(split, 0.8)
    total = sum(count for *_, count in bins)
    assert total == sum(map(len, confidences_of(split, 0.8)))
    assert all(count > 0 for *_, count in bins)
    assert [width_bin(confidence, ()) for confidence, *_ in bins] == sorted(
        {width_bin(pair[0], ()) for line in confidences_of(split, 0.8) for pair in line}
    )
    error = math.fsum(count / total * abs(right - mean) for mean, right, count in bins)
    assert calibration.ece(split, 0.8).value() == pytest.approx(error, abs=1e-12)


@given(st.lists(st.sampled_from([0.0, 0.1, 0.2, 1 / 3, 0.5, 0.9, 1.0]), min_size=1, max_size=60))
@settings(max_examples=100, deadline=None)
def test_equal_confidences_share_a_bin_of_equal_mass(values):
    bins = calibration.equal_mass(np.array(values)[:, None])[:, 0].tolist()
    assert bins == [15 * sum(v < value for v in values) // len(values) for value in values]


def test_bins_of_equal_mass_are_equally_filled_where_all_confidences_differ():
    bins = calibration.equal_mass(np.random.default_rng(0).random((150, 1)))
    assert np.bincount(bins[:, 0]).tolist() == [10] * 15


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["ece", "ece_mass"])
def test_a_resample_of_documents_changes_the_weights_of_bins_and_not_their_edges(kind, name):
    split = random_split(kind, 41, documents=20)
    counts = np.random.default_rng(0).multinomial(20, np.full(20, 1 / 20))
    documents = confidences_of(split, 1.0)
    pooled = [pair for line in documents for pair in line]
    bin_of = {"ece": width_bin, "ece_mass": mass_bin}[name]
    drawn = [
        pair for line, count in zip(documents, counts, strict=True) for pair in line * int(count)
    ]
    expected = error_of(drawn, lambda confidence, _: bin_of(confidence, pooled))
    result = metric(name)(split)
    assert result.from_totals(result.per_document @ counts) == pytest.approx(expected, abs=1e-12)


def negative_log_likelihood(kind, gold, logits, temperature):
    kept = ~gold[:, logits.shape[1] :].any(axis=1)
    return calibration.nll(scored(kind, gold[kept], logits[kept]), temperature).value()


@on_every_split(hard=False)
def test_temperature_scaling_keeps_the_order_of_labels_and_never_raises_the_nll(split):
    gold, logits = split.predictions.gold, split.predictions.logits
    temperature = calibration.fit_temperature(split.kind, gold, logits)
    assert 0.01 <= temperature <= 100
    assert calibration.fit_temperature(split.kind, gold, logits) == temperature
    probability = calibration.probabilities(split, temperature)
    chosen = probability[np.arange(len(logits)), logits.argmax(axis=1)]
    assert (chosen == probability.max(axis=1)).all()
    before, after = (negative_log_likelihood(split.kind, gold, logits, t) for t in (1, temperature))
    assert after <= before + 1e-12 * max(1.0, before)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("factor", [0.05, 1, 30])
def test_the_temperature_is_the_one_that_a_search_finds(kind, seed, factor):
    split = random_split(kind, seed, unseen=seed % 2)
    gold, logits = split.predictions.gold, split.predictions.logits * np.float32(factor)
    temperature = calibration.fit_temperature(kind, gold, logits)
    searched = minimize_scalar(
        lambda log: negative_log_likelihood(kind, gold, logits, math.exp(log)),
        bounds=(math.log(0.01), math.log(100)),
        method="bounded",
        options={"xatol": 1e-10},
    )
    assert math.log(temperature) == pytest.approx(searched.x, abs=1e-5)
    lowest = negative_log_likelihood(kind, gold, logits, temperature)
    assert lowest <= searched.fun + 1e-12


def test_logits_that_are_doubled_get_twice_the_temperature():
    split = random_split("single-label", 50, documents=300)
    gold, logits = split.predictions.gold, split.predictions.logits
    before = calibration.fit_temperature("single-label", gold, logits)
    doubled = calibration.fit_temperature("single-label", gold, 2 * logits)
    assert doubled / before == pytest.approx(2, rel=1e-9)


@pytest.mark.parametrize(
    ("kind", "gold", "logits", "expected"),
    [
        ("single-label", np.eye(3), np.full((3, 3), 0.7), 1.0),
        ("multi-label", np.eye(3), np.zeros((3, 3)), 1.0),
        ("single-label", np.eye(3)[[2, 2]], np.eye(2), 1.0),  # only unseen labels
        ("single-label", np.ones((4, 1)), np.ones((4, 1)), 1.0),
        ("single-label", np.eye(3), np.eye(3), 0.01),  # all right: the lowest temperature is best
        ("multi-label", np.eye(3), 2 * np.eye(3) - 1, 0.01),
        ("single-label", np.eye(3), -np.eye(3), 100.0),  # all wrong
        ("multi-label", np.eye(3), 1 - 2 * np.eye(3), 100.0),
    ],
)
def test_without_a_best_temperature_the_result_is_1_or_an_end_of_the_range(
    kind, gold, logits, expected
):
    part = predictions(gold, logits)
    assert calibration.fit_temperature(kind, part.gold, part.logits) == expected


PROBABILISTIC = ("ece", "ece_mass", "ece_per_label", "brier", "nll", "ece_scaled",
                 "ece_mass_scaled", "brier_scaled", "nll_scaled")  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_huge_logits_stay_finite(kind):
    random = np.random.default_rng(0)
    gold = np.eye(3, dtype=bool)[random.integers(0, 3, 20)]
    logits = 1e4 * random.choice([-1, 1], (20, 3))
    part = predictions(gold, logits)
    temperature = calibration.fit_temperature(kind, part.gold, part.logits)
    for chosen in (0.01, temperature, 100):
        split = scored(kind, gold, logits, temperature=chosen)
        for name in set(PROBABILISTIC) & names_of(kind):
            assert math.isfinite(metric(name)(split).value()), name


@pytest.mark.parametrize("kind", KINDS)
def test_a_hard_classifier_has_no_metrics_of_probabilities(kind):
    hard, soft = (random_split(kind, 60, hard=hard) for hard in (True, False))
    for name in set(PROBABILISTIC) & names_of(kind):
        assert metric(name)(hard) is None, name
        assert metric(name)(soft) is not None, name


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["ece", "ece_mass", "brier", "nll"])
def test_a_scaled_metric_is_the_metric_at_the_tuned_temperature(kind, name):
    split = random_split(kind, 61)
    expected = getattr(calibration, name)(split, split.tuning.temperature).value()
    assert value(metric(f"{name}_scaled")(split)) == expected
    assert value(metric(name)(split)) != pytest.approx(expected, abs=1e-6)

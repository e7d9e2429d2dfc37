from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.stats import ttest_1samp, ttest_ind, ttest_rel
from sklearn.metrics import accuracy_score, f1_score

from benchbench.contract import AdditiveMetric
from benchbench.evaluation import jackknife
from benchbench.evaluation.clusters import by_cluster, clusters
from benchbench.evaluation.jackknife import (
    Uncertain,
    Variation,
    estimate,
    estimate_difference,
    interval,
    joint_covariance,
    leave_one_out,
    p_value,
    variation,
)

LABELS = 7
SHARE = (0.0, 1.0)


def macro_f1(gold, decided, labels):
    """Return macro-F1 of int [documents], by true positives, decided and gold per label."""
    documents = np.arange(len(gold))
    right = documents[gold == decided]
    rows = np.concatenate([gold[right], labels + decided, 2 * labels + gold])
    columns = np.concatenate([right, documents, documents])
    shape = (3 * labels, len(gold))
    return AdditiveMetric(csr_array((np.ones(len(rows)), (rows, columns)), shape=shape), mean_f1)


def mean_f1(totals):
    right, decided, gold = np.split(totals, 3)
    both = decided + gold
    return np.divide(2 * right, both, out=np.zeros_like(both), where=both != 0).mean(axis=0)


def accuracy(gold, decided, labels):
    return AdditiveMetric.mean(gold == decided)


def weighted_mean(gold, decided, labels):
    weights = 0.1 + gold / 10
    return AdditiveMetric.of(
        np.stack([weights * (gold == decided), weights]), lambda t: t[0] / t[1]
    )


NAIVE = {
    macro_f1: lambda gold, decided: f1_score(
        gold, decided, labels=range(LABELS), average="macro", zero_division=0.0
    ),
    accuracy: accuracy_score,
    weighted_mean: lambda gold, decided: accuracy_score(
        gold, decided, sample_weight=0.1 + gold / 10
    ),
}
METRICS = pytest.mark.parametrize("metric", NAIVE, ids=lambda metric: metric.__name__)


@pytest.fixture(scope="module")
def corpus():
    """Return gold, two systems' decisions (of 2 and of 6 seeds), and families of documents."""
    generator = np.random.default_rng(5)
    documents = 61
    gold = generator.choice(LABELS, documents, p=[0.4, 0.3, 0.1, 0.1, 0.05, 0.03, 0.02])
    decided = [
        [
            np.where(generator.random(documents) < skill, gold, generator.integers(LABELS))
            for _ in range(seeds)
        ]
        for skill, seeds in ((0.5, 2), (0.8, 6))
    ]
    families = [f"family-{n % 17}" if n % 3 else "" for n in range(documents)]
    return gold, decided, families


def board(corpus, metric):
    gold, decided, families = corpus
    runs = [[metric(gold, run, LABELS) for run in system] for system in decided]
    return runs, clusters(families)


@METRICS
def test_one_cluster_is_left_out_at_a_time(corpus, metric):
    gold, decided, _ = corpus
    runs, cluster = board(corpus, metric)
    for system, of_system in zip(runs, decided, strict=True):
        found = variation(system, cluster, seeds=False)
        for number in range(cluster.max() + 1):
            kept = cluster != number
            naive = np.mean([NAIVE[metric](gold[kept], run[kept]) for run in of_system])
            assert found.left_out[number] == pytest.approx(naive, abs=1e-12)
        whole = np.mean([NAIVE[metric](gold, run) for run in of_system])
        assert found.value == pytest.approx(whole, abs=1e-12)


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_the_size_of_blocks_changes_no_value(corpus, block, monkeypatch):
    runs, cluster = board(corpus, macro_f1)
    expected = leave_one_out(by_cluster(runs[0][0], cluster))
    monkeypatch.setattr(jackknife, "BLOCK", block)
    found = leave_one_out(by_cluster(runs[0][0], cluster))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-15)


def test_every_document_without_a_group_is_a_cluster_by_itself():
    assert clusters(["", "", ""]).tolist() == [0, 1, 2]
    assert clusters(["x", "", "x"]).tolist() == [0, 1, 0]
    assert clusters(["a", "", "a", "b", "b", "a"]).tolist() == [0, 1, 0, 2, 2, 0]


def of_means(*seeds, include):
    """Return how a system varies whose metric is the mean of each of `seeds`, [documents]."""
    runs = [AdditiveMetric.mean(np.asarray(values, dtype=float)) for values in seeds]
    return variation(runs, np.arange(len(seeds[0])), seeds=include)


def test_of_a_mean_the_error_and_p_are_those_of_students_test():
    values = np.random.default_rng(0).normal(0.3, 1, 40)
    found = estimate(of_means(values, include=False))
    assert found.bias == pytest.approx(0, abs=1e-12)
    assert found.error == pytest.approx(values.std(ddof=1) / 40**0.5)
    expected = ttest_1samp(values, 0)
    assert p_value(found) == pytest.approx(expected.pvalue)
    theirs = expected.confidence_interval(0.95)
    np.testing.assert_allclose(interval(found), (theirs.low, theirs.high))


def test_of_two_means_on_the_same_documents_p_is_that_of_the_paired_test():
    first, second = np.random.default_rng(1).normal(size=(2, 30))
    difference = estimate_difference(
        of_means(first, include=False), of_means(second + first, include=False)
    )
    assert p_value(difference) == pytest.approx(ttest_rel(first, second + first).pvalue)


def test_where_documents_do_not_matter_p_is_welchs_over_the_seeds():
    first, second = np.random.default_rng(2).normal([[0], [1]], size=(2, 5))
    systems = [
        of_means(*(np.full(9, value) for value in seeds), include=True)
        for seeds in (first, second[:3])
    ]
    expected = ttest_ind(first, second[:3], equal_var=False).pvalue
    assert p_value(estimate_difference(*systems)) == pytest.approx(expected)


def test_the_variance_is_that_of_documents_and_of_seeds_and_counts_nothing_twice():
    """Documents d, seeds s and their interaction: value = d + s + ds, over many small boards."""
    generator = np.random.default_rng(3)
    boards, documents, seeds = 1500, 30, 4
    found, values = [], []
    for _ in range(boards):
        of_documents = generator.normal(0, 1.0, documents)
        of_seeds = generator.normal(0, 0.2, (seeds, 1))
        both = generator.normal(0, 1.5, (seeds, documents))
        one = of_means(*(of_documents + of_seeds + both), include=True)
        found.append(estimate(one).error ** 2)
        values.append(one.value)
    expected = 1.0 / documents + 0.2**2 / seeds + 1.5**2 / (seeds * documents)
    assert np.var(values) == pytest.approx(expected, rel=0.15)
    assert np.mean(found) == pytest.approx(expected, rel=0.05)


def test_fewer_than_three_seeds_cannot_speak_for_a_method(corpus):
    runs, cluster = board(corpus, accuracy)
    with pytest.raises(ValueError, match="2 seeds cannot speak for a method"):
        variation(runs[0], cluster, seeds=True)
    assert variation(runs[1], cluster, seeds=True).noise.seeds == 6


def test_including_the_seeds_widens_the_interval(corpus):
    runs, cluster = board(corpus, macro_f1)
    narrow, wide = (
        interval(estimate(variation(runs[1], cluster, seeds=seeds)), SHARE)
        for seeds in (False, True)
    )
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


@given(
    st.floats(0.001, 0.999), st.floats(-0.5, 0.5), st.floats(1e-6, 10), st.floats(1, 1e6),
    st.floats(0, 10), st.floats(2, 9), st.booleans(),
)  # fmt: skip
def test_an_interval_holds_its_own_value_and_stays_between_the_limits(
    value, bias, documents, degrees, seeds, seed_degrees, limited
):
    of = Uncertain(value, bias, documents, degrees, seeds, seed_degrees)
    low, high = interval(of, SHARE if limited else None)
    assert low <= value <= high
    assert not limited or (low >= 0 and high <= 1)


@given(
    st.floats(-1, 1), st.floats(-0.05, 0.05), st.floats(1e-6, 1), st.floats(1, 1e4),
    st.floats(0, 1), st.floats(2, 9),
)  # fmt: skip
def test_p_is_below_five_percent_exactly_where_the_interval_leaves_out_zero(
    value, bias, documents, degrees, seeds, seed_degrees
):
    of = Uncertain(value, bias, documents, degrees, seeds, seed_degrees)
    low, high = interval(of)
    outside = value - bias - (high - low) / 2 > 1e-9 or value - bias + (high - low) / 2 < -1e-9
    if low < value < high and abs(p_value(of) - 0.05) > 1e-6:
        assert (p_value(of) < 0.05) == outside


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_where_every_document_is_right_or_none_there_is_no_interval(value):
    always = of_means(np.full(30, value), include=False)
    assert interval(estimate(always), SHARE) is None
    assert interval(estimate(always)) is None


def test_equal_systems_have_p_one_and_systems_that_differ_everywhere_have_p_zero():
    right, wrong = (of_means(np.full(30, value), include=False) for value in (1.0, 0.0))
    assert p_value(estimate_difference(right, right)) == 1.0
    assert p_value(estimate_difference(right, wrong)) == 0.0


def test_the_bias_is_that_of_the_metric_on_fewer_documents():
    """The square of a mean is too high by the variance of the mean: the jackknife finds it."""
    values = np.random.default_rng(4).normal(1, 1, 50)
    metric = replace(AdditiveMetric.mean(values), from_totals=lambda t: (t[0] / t[1]) ** 2)
    found = estimate(variation([metric], np.arange(50), seeds=False))
    assert found.bias == pytest.approx(values.var(ddof=1) / 50)


def test_a_single_cluster_says_nothing():
    one = Variation(0.5, np.array([0.0]))
    assert interval(estimate(one), SHARE) is None


def alike(seeds, noises, include):
    """Return systems on the same 60 documents, whose seeds deviate by these noises."""
    random = np.random.default_rng(4)
    shared = random.normal(0.5, 1, 60)
    return [
        of_means(
            *(shared + random.normal(0, 0.3, 60) + random.normal(0, noise) for _ in range(seeds)),
            include=include,
        )
        for noise in noises
    ]


def test_the_joint_covariance_says_of_a_difference_what_its_estimate_says():
    systems = alike(4, (0.1, 0.1), include=False)
    covariance = joint_covariance(systems)
    for place, system in enumerate(systems):
        assert covariance[place, place] == pytest.approx(estimate(system).error ** 2)
    of_difference = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    assert of_difference == pytest.approx(estimate_difference(*systems).error ** 2)
    assert covariance[0, 1] == covariance[1, 0] > 0, "they were tested on the same documents"


def test_what_seeds_add_is_shared_out_over_all_values_and_widened():
    calm, wild = alike(3, (0.01, 0.6), include=True)
    documents = joint_covariance(alike(3, (0.01, 0.6), include=False))
    covariance = joint_covariance([calm, wild])
    assert covariance[0, 1] == pytest.approx(documents[0, 1])
    added = np.diag(covariance) - np.diag(documents)
    assert added[0] == pytest.approx(added[1])
    mean = np.mean([system.noise.between - system.noise.shared for system in (calm, wild)])
    assert mean < added[0] < 3 * mean, "four degrees of freedom widen by 1.42 squared"

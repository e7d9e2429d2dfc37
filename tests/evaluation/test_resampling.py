from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.metrics import accuracy_score, f1_score

from benchbench.contract import AdditiveMetric
from benchbench.evaluation import resampling
from benchbench.evaluation.resampling import (
    bca_interval,
    bootstrap,
    clusters,
    percentile_interval,
)

LABELS = 7
DRAWS = 150


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


def naive_bootstrap(corpus, metric, cluster, draws, seed):
    """Rebuild every resample, document by document, with the same random numbers."""
    gold, decided, _ = corpus
    of_documents, *of_seeds = np.random.default_rng(seed).spawn(1 + len(decided))
    members = [np.flatnonzero(cluster == number) for number in range(cluster.max() + 1)]
    means = np.empty((len(decided), draws))
    weights = [
        generator.multinomial(len(system), [1 / len(system)] * len(system), size=draws)
        for system, generator in zip(decided, of_seeds, strict=True)
    ]
    for draw in range(draws):
        chosen = of_documents.integers(len(members), size=len(members))
        documents = np.concatenate([members[number] for number in chosen])
        for place, system in enumerate(decided):
            values = [NAIVE[metric](gold[documents], run[documents]) for run in system]
            if len(system) >= 5:
                values = np.repeat(values, weights[place][draw])
            means[place, draw] = np.mean(values)
    return means


@METRICS
def test_draws_agree_with_a_plain_loop_over_scikit_learn(corpus, metric):
    runs, cluster = board(corpus, metric)
    resampled = bootstrap(runs, cluster, draws=40, seed=3)
    naive = naive_bootstrap(corpus, metric, cluster, 40, 3)
    np.testing.assert_allclose(resampled.draws, naive, rtol=0, atol=1e-12)
    assert resampled.seeds_resampled == (False, True)


def test_resampling_single_documents_gives_other_draws_than_resampling_clusters(corpus):
    runs, cluster = board(corpus, accuracy)
    apart = bootstrap(runs, np.arange(len(cluster)), draws=40, seed=3)
    naive = naive_bootstrap(corpus, accuracy, cluster, 40, 3)
    assert np.abs(apart.draws - naive).max() > 0.01


@METRICS
def test_the_jackknife_leaves_out_one_cluster_at_a_time(corpus, metric):
    gold, decided, _ = corpus
    runs, cluster = board(corpus, metric)
    resampled = bootstrap(runs, cluster, draws=2)
    for number in range(cluster.max() + 1):
        kept = cluster != number
        naive = [
            np.mean([NAIVE[metric](gold[kept], run[kept]) for run in system]) for system in decided
        ]
        np.testing.assert_allclose(resampled.jackknife[:, number], naive, rtol=0, atol=1e-12)
    whole = [np.mean([NAIVE[metric](gold, run) for run in system]) for system in decided]
    np.testing.assert_allclose(resampled.observed, whole, rtol=0, atol=1e-12)


def test_a_cluster_is_drawn_whole_or_not_at_all():
    cluster = clusters(["a", "", "a", "b", "b", "a"])
    assert cluster.tolist() == [0, 1, 0, 2, 2, 0]
    in_draw = [AdditiveMetric.mean(np.arange(6) == document) for document in range(6)]
    size = AdditiveMetric.of(np.ones((1, 6)), lambda totals: totals[0])
    resampled = bootstrap([*([run] for run in in_draw), [size]], cluster, draws=DRAWS)
    times = np.round(resampled.draws[:6] * resampled.draws[6])
    assert (times[[2, 5]] == times[0]).all() and (times[4] == times[3]).all()
    assert (times[[0, 1, 3]].sum(axis=0) == 3).all()
    assert times[0].max() == 3


def test_every_document_without_a_group_is_a_cluster_by_itself():
    assert clusters(["", "", ""]).tolist() == [0, 1, 2]
    assert clusters(["x", "", "x"]).tolist() == [0, 1, 0]


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_the_size_of_blocks_changes_no_value(corpus, block, monkeypatch):
    runs, cluster = board(corpus, macro_f1)
    expected = bootstrap(runs, cluster, draws=DRAWS)
    monkeypatch.setattr(resampling, "BLOCK", block)
    resampled = bootstrap(runs, cluster, draws=DRAWS)
    np.testing.assert_allclose(resampled.draws, expected.draws, rtol=0, atol=1e-15)
    np.testing.assert_allclose(resampled.jackknife, expected.jackknife, rtol=0, atol=1e-15)


def test_equal_seeds_give_equal_draws_and_different_seeds_give_different_draws(corpus):
    runs, cluster = board(corpus, macro_f1)
    first, again, other = (bootstrap(runs, cluster, DRAWS, seed).draws for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any(axis=1).all()


def test_all_systems_share_the_resampled_documents(corpus):
    runs, cluster = board(corpus, macro_f1)
    resampled = bootstrap([runs[0], runs[0], runs[0][::-1]], cluster, draws=DRAWS)
    np.testing.assert_allclose(resampled.draws[0], resampled.draws[1], rtol=0, atol=0)
    np.testing.assert_allclose(resampled.draws[0], resampled.draws[2], rtol=0, atol=1e-15)


def test_five_or_more_seeds_are_resampled_independently_for_each_system():
    cluster = np.arange(4)
    seeds = [AdditiveMetric.mean(np.full(4, float(seed))) for seed in range(6)]
    resampled = bootstrap([seeds[:4], seeds[:5], seeds, seeds], cluster, draws=4000)
    assert resampled.seeds_resampled == (False, True, True, True)
    assert resampled.draws[0].std() == 0
    # a mean of n values drawn from n has the variance of those values over n
    np.testing.assert_allclose(resampled.draws[1].var(), 2 / 5, rtol=0.1)
    np.testing.assert_allclose(resampled.draws[2].var(), 35 / 12 / 6, rtol=0.1)
    assert abs(np.corrcoef(resampled.draws[2], resampled.draws[3])[0, 1]) < 0.1


def literal_bca(observed, draws, jackknife, level):
    """Compute Efron's (1987) interval step by step, for one value."""
    normal = NormalDist()
    below = sum(draw < observed for draw in draws) + sum(draw == observed for draw in draws) / 2
    z0 = normal.inv_cdf(below / len(draws))
    centre = sum(jackknife) / len(jackknife)
    cubes = sum((centre - value) ** 3 for value in jackknife)
    squares = sum((centre - value) ** 2 for value in jackknife)
    a = cubes / (6 * squares**1.5)
    for tail in ((1 - level) / 2, (1 + level) / 2):
        z = z0 + normal.inv_cdf(tail)
        yield np.quantile(draws, normal.cdf(z0 + z / (1 - a * z)))


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_the_bca_interval_agrees_with_efrons_formula_over_any_leading_axes(level):
    generator = np.random.default_rng(0)
    draws = np.round(generator.gamma(2, size=(2, 3, 400)), 2)
    jackknife = generator.gamma(1, size=(2, 3, 50))
    observed = np.round(np.median(draws, axis=-1) + 0.1, 2)
    low, high = bca_interval(observed, draws, jackknife, level)
    for place in np.ndindex(2, 3):
        expected = literal_bca(observed[place], draws[place], jackknife[place], level)
        np.testing.assert_allclose((low[place], high[place]), tuple(expected), rtol=0, atol=1e-12)


def test_the_bca_interval_agrees_with_scipys_on_a_skewed_mean():
    from scipy.stats import bootstrap as scipy_bootstrap

    values = np.random.default_rng(2).lognormal(0, 1, size=80)
    resampled = bootstrap([[AdditiveMetric.mean(values)]], np.arange(80), draws=20_000)
    bounds = bca_interval(resampled.observed, resampled.draws, resampled.jackknife)
    ours = np.concatenate(bounds)
    generator = np.random.default_rng(9)
    theirs = scipy_bootstrap((values,), np.mean, n_resamples=20_000, method="BCa", rng=generator)
    plain = np.concatenate(percentile_interval(resampled.draws))
    np.testing.assert_allclose(ours, theirs.confidence_interval, rtol=0.02)
    assert np.abs(plain / theirs.confidence_interval - 1).max() > 0.03  # the other one differs


def test_the_percentile_interval_has_the_quantiles_of_the_draws_as_bounds():
    draws = np.random.default_rng(0).random((4, 2, 333))
    bounds = percentile_interval(draws, 0.9)
    np.testing.assert_allclose(bounds, np.quantile(draws, [0.05, 0.95], axis=-1), atol=1e-15)


def test_equal_draws_give_an_interval_of_width_zero():
    low, high = bca_interval(0.25, np.full(100, 0.25), np.full(9, 0.25))
    assert (low, high) == (0.25, 0.25)


def test_without_a_finite_bias_the_bca_interval_is_the_percentile_interval():
    generator = np.random.default_rng(0)
    draws, jackknife = generator.random((2, 100)), generator.random((2, 9))
    bounds = bca_interval(np.array([-1.0, 2.0]), draws, jackknife)
    np.testing.assert_array_equal(bounds, percentile_interval(draws))


def test_draws_that_differ_only_by_rounding_count_as_equal():
    draws = np.array([0.1 + 0.2, 0.3, 0.3, 0.3, 0.5, 0.1])
    jackknife = np.random.default_rng(0).random(9)
    np.testing.assert_allclose(
        bca_interval(0.3, draws, jackknife), bca_interval(0.1 + 0.2, draws, jackknife), atol=1e-12
    )

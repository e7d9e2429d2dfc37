from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from benchbench.contract import AdditiveMetric
from benchbench.evaluation.clusters import clusters
from benchbench.evaluation.randomisation import draws_for, randomisation_test
from tests.evaluation.test_jackknife import LABELS, NAIVE, accuracy, macro_f1

METRICS = pytest.mark.parametrize(
    "metric", [macro_f1, accuracy], ids=lambda metric: metric.__name__
)


def decisions(generator, gold, skill):
    return np.where(generator.random(len(gold)) < skill, gold, generator.integers(LABELS))


@pytest.fixture(scope="module")
def corpus():
    """Return gold, decisions of three systems (of 1, 2 and 3 seeds), and nine clusters."""
    generator = np.random.default_rng(3)
    gold = generator.integers(LABELS, size=40)
    skills = (0.4, 0.8), (0.55, 0.65, 0.75), (0.75,)
    decided = [[decisions(generator, gold, skill) for skill in system] for system in skills]
    return gold, decided, clusters([f"family-{n % 9}" for n in range(40)])


def board(corpus, metric):
    gold, decided, cluster = corpus
    return [[metric(gold, run, LABELS) for run in system] for system in decided], cluster


def exchanged_difference(gold, first, second, exchanged, metric):
    """Exchange the documents of two systems' seeds, every seed with every seed of the other."""
    of_seeds = []
    for n in range(len(first) * len(second)):
        a, b = first[n % len(first)], second[n % len(second)]
        of_seeds.append(NAIVE[metric](gold, np.where(exchanged, b, a)))
        of_seeds[-1] -= NAIVE[metric](gold, np.where(exchanged, a, b))
    return np.mean(of_seeds)


def naive_p(corpus, metric, pair, draws, seed):
    """Exchange document by document, with the same random numbers."""
    gold, decided, cluster = corpus
    generator = np.random.default_rng(seed)
    first, second = (decided[system] for system in pair)
    no_exchange = np.zeros(len(gold), dtype=bool)
    observed = exchanged_difference(gold, first, second, no_exchange, metric)
    as_large = 0
    for _ in range(draws):
        exchanged = generator.integers(2, size=cluster.max() + 1, dtype=bool)[cluster]
        difference = exchanged_difference(gold, first, second, exchanged, metric)
        as_large += abs(difference) >= abs(observed) - 1e-12
    return (as_large + 1) / (draws + 1)


@METRICS
@pytest.mark.parametrize("pair", [(0, 1), (0, 2), (1, 2)])
def test_p_agrees_with_a_plain_loop_over_the_same_exchanges(corpus, metric, pair):
    p = randomisation_test(*board(corpus, metric), draws=100, seed=4)
    assert p[pair] == p[pair[::-1]] == naive_p(corpus, metric, pair, 100, 4)
    assert (np.diag(p) == 1).all()


@METRICS
def test_p_approaches_the_exact_p_over_all_exchanges(corpus, metric):
    gold, decided, cluster = corpus
    first, second = decided[0][:1], decided[2]  # nine clusters have 512 exchanges
    runs = [[metric(gold, run, LABELS) for run in system] for system in (first, second)]
    no_exchange = np.zeros(len(gold), dtype=bool)
    observed = abs(exchanged_difference(gold, first, second, no_exchange, metric))
    every = [
        abs(exchanged_difference(gold, first, second, np.array(exchanged)[cluster], metric))
        for exchanged in product([False, True], repeat=9)
    ]
    exact = np.mean(np.array(every) >= observed - 1e-12)
    assert 0.005 < exact < 0.5
    draws = 20_000
    p = randomisation_test(runs, cluster, draws=draws)[0, 1]
    assert abs(p - exact) < 4 * np.sqrt(exact / draws)


def test_exchanging_single_documents_gives_another_p_than_exchanging_clusters(corpus):
    runs, cluster = board(corpus, accuracy)
    whole = randomisation_test(runs, cluster, draws=500)
    apart = randomisation_test(runs, np.arange(len(cluster)), draws=500)
    assert abs(whole - apart).max() > 0.01
    assert apart[0, 2] != naive_p(corpus, accuracy, (0, 2), 500, 0)


def test_all_seeds_of_a_system_are_exchanged_together(corpus):
    gold, decided, cluster = corpus
    repeated = [decided[0][:1] * 2, decided[2] * 2]
    runs = [[accuracy(gold, run, LABELS) for run in system] for system in repeated]
    single = randomisation_test([system[:1] for system in runs], cluster, draws=500)
    # two equal seeds give the p of one seed; exchanged independently they would not
    np.testing.assert_array_equal(randomisation_test(runs, cluster, draws=500), single)


@pytest.mark.parametrize("block", [1, 9, 1000])
def test_the_size_of_blocks_changes_no_p(corpus, block, monkeypatch):
    from benchbench.evaluation import randomisation as module

    expected = randomisation_test(*board(corpus, macro_f1), draws=130)
    monkeypatch.setattr(module, "BLOCK", block)
    np.testing.assert_array_equal(randomisation_test(*board(corpus, macro_f1), draws=130), expected)


def test_only_the_pairs_asked_for_are_tested(corpus):
    runs, cluster = board(corpus, macro_f1)
    every = randomisation_test(runs, cluster, draws=130)
    some = randomisation_test(runs, cluster, draws=130, pairs=[(0, 2)])
    assert some[0, 2] == some[2, 0] == every[0, 2] != 1
    assert some[0, 1] == some[1, 2] == 1
    assert (randomisation_test(runs, cluster, draws=130, pairs=[]) == 1).all()


def test_identical_systems_have_p_one(corpus):
    runs, cluster = board(corpus, macro_f1)
    assert (randomisation_test([runs[1], runs[1][::-1]], cluster, draws=99) == 1).all()
    assert (randomisation_test([runs[0], runs[0]], cluster, draws=99) == 1).all()


def test_systems_that_differ_everywhere_have_the_smallest_p():
    right, wrong = AdditiveMetric.mean(np.ones(50)), AdditiveMetric.mean(np.zeros(50))
    p = randomisation_test([[right], [wrong]], np.arange(50), draws=999)
    assert p[0, 1] == 1 / 1000


@pytest.mark.parametrize(
    ("pairs", "draws"), [(0, 9_999), (1, 9_999), (190, 18_999), (10**6, 199_999)]
)
def test_the_number_of_draws_grows_with_the_number_of_pairs(pairs, draws):
    assert draws_for(pairs) == draws

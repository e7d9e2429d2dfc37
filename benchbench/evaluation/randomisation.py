"""Approximate randomisation: whether chance alone could make two systems differ as they do.

If two systems are equally good, it does not matter which of them a document's output comes from.
So outputs are exchanged at random many times, and the observed difference is compared with the
differences after each exchange.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import lcm
from typing import TYPE_CHECKING

from benchbench.evaluation.clusters import BLOCK, TIE, SystemRuns, by_cluster

if TYPE_CHECKING:
    import numpy as np

MOST_DRAWS = 199_999
"""More would take hours. So many let 2,000 pairs (of 63 systems) reach an adjusted p of 0.01."""


@dataclass(frozen=True, slots=True)
class Halves:
    """The totals of one run in a block of draws, in two parts, each [statistics, block].

    `kept` sums the clusters that stay with the system, `exchanged` those that go to the other.
    """

    kept: np.ndarray
    exchanged: np.ndarray


def randomisation_test(
    systems: Sequence[SystemRuns],
    cluster: np.ndarray,
    draws: int = 9_999,
    seed: int = 0,
    pairs: Collection[tuple[int, int]] | None = None,
) -> np.ndarray:
    """Return the two-sided p of every pair, float64 [systems, systems]; 1 where none is asked for.

    `pairs` are the pairs (a, b) with a < b to test, by default all.

    Paired approximate randomisation (Noreen 1989; Yeh 2000): in each draw, every cluster's
    outputs are exchanged between the two systems with probability 1/2, for all seeds at once.
    p = (k + 1) / (draws + 1), where k draws differ by at least the observed difference of the
    systems' seed means. All runs must have the same statistics and the same `from_totals`.

    Where two systems have different numbers of seeds, the seeds of each are repeated up to the
    least common multiple, which does not change its mean. Then seed i of one system is exchanged
    with seed i of the other.
    """
    import numpy as np

    if pairs is None:
        pairs = set(combinations(range(len(systems)), 2))
    tested = sorted({system for pair in pairs for system in pair})
    grouped = [[by_cluster(run, cluster) for run in system] for system in systems]
    totals = [[run.per_document.sum(axis=1)[:, None] for run in system] for system in grouped]
    observed = np.array([np.mean([run.value() for run in system]) for system in grouped])
    p = np.ones((len(systems), len(systems)))
    extreme = np.zeros_like(p)
    generator = np.random.default_rng(seed)
    for exchanged in exchanges(int(cluster.max()) + 1, draws if pairs else 0, generator):
        # computed once per run, for all its pairs
        halves = {system: _halves(grouped[system], totals[system], exchanged) for system in tested}
        for a, b in pairs:
            exchanged_gap = differences(halves[a], halves[b], grouped[a][0].from_totals)
            as_large = np.abs(exchanged_gap) >= abs(observed[a] - observed[b]) - TIE
            extreme[a, b] += as_large.sum()
    for a, b in pairs:
        p[a, b] = p[b, a] = (extreme[a, b] + 1) / (draws + 1)
    return p


def _halves(runs: SystemRuns, totals: Sequence[np.ndarray], exchanged: np.ndarray) -> list[Halves]:
    pairs = zip(runs, totals, strict=True)
    return [halve(run.per_document @ exchanged, total) for run, total in pairs]


def exchanges(clusters: int, draws: int, generator: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield blocks of draws, float64 [clusters, block]: 1 where a cluster is exchanged, else 0."""
    import numpy as np

    for start in range(0, draws, BLOCK):
        # one call per draw, so that the size of a block does not change the draws
        drawn = [
            generator.integers(2, size=clusters, dtype=bool)
            for _ in range(start, min(start + BLOCK, draws))
        ]
        yield np.array(drawn).T.astype(float, order="C")


def halve(exchanged: np.ndarray, total: np.ndarray) -> Halves:
    """Return the kept and the exchanged part of totals [statistics, 1]."""
    return Halves(total - exchanged, exchanged)


def differences(
    first: Sequence[Halves],
    second: Sequence[Halves],
    from_totals: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """Return by how much the first system's seed mean exceeds the second's, [block]."""
    import numpy as np

    of_seeds = []
    for n in range(lcm(len(first), len(second))):
        a, b = first[n % len(first)], second[n % len(second)]
        of_seeds.append(from_totals(a.kept + b.exchanged) - from_totals(b.kept + a.exchanged))
    return np.asarray(np.mean(of_seeds, axis=0))


def draws_for(pairs: int, least: int = 9_999) -> int:
    """Return how many draws let the smallest Holm-adjusted p of `pairs` tests reach 0.01.

    The smallest p is 1 / (draws + 1), and Holm multiplies it by the number of tests. The result
    is at most 199,999 (`MOST_DRAWS`), which lets 10,000 pairs (of 141 systems) reach 0.05.
    """
    return min(MOST_DRAWS, max(least, 100 * pairs - 1))

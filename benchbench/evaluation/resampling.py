"""What other test documents would have given: bootstrap, jackknife, and intervals from them.

A system is all seeds of one method on one backbone: one `AdditiveMetric` a seed, all over the same
documents in the same order. Its value is the mean of the metric over its seeds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchbench.contract import AdditiveMetric, ratio

if TYPE_CHECKING:
    import numpy as np

SystemRuns = Sequence[AdditiveMetric]
"""The runs of a system, one per seed."""

BLOCK = 64
"""Draws worked on at once: the totals of a few hundred labels then stay in a core's cache."""

SEEDS_TO_RESAMPLE = 5
"""Fewer seeds than this say too little of training noise to be resampled."""

TIE = 1e-12
"""Values that differ by less are equal: they differ by rounding alone."""


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Values of systems on the test documents and on resamples of them.

    `observed` is float64 [systems], `draws` float64 [systems, draws] the values on resamples that
    all systems share, `jackknife` float64 [systems, clusters] the values without each cluster in
    turn. `seeds_resampled` says of which systems a draw also resampled the seeds. A difference of
    two systems has the differences of their rows.
    """

    observed: np.ndarray
    draws: np.ndarray
    jackknife: np.ndarray
    seeds_resampled: tuple[bool, ...]


def clusters(groups: Sequence[str]) -> np.ndarray:
    """Return the cluster of each document, int [documents], numbered from 0.

    Documents of one group (a patent family) are one cluster; one without a group, "", is its own.
    """
    import numpy as np

    numbers: dict[str | int, int] = {}
    found = [numbers.setdefault(group or n, len(numbers)) for n, group in enumerate(groups)]
    return np.array(found, dtype=np.intp)


def by_cluster(run: AdditiveMetric, cluster: np.ndarray) -> AdditiveMetric:
    """Return the same sums with parts float64 [statistics, clusters], in columns (CSC)."""
    import numpy as np
    from scipy.sparse import csr_array

    documents = np.arange(len(cluster))
    membership = csr_array((np.ones(len(cluster)), (documents, cluster)))
    return AdditiveMetric((run.per_document @ membership).tocsc(), run.from_totals)


def bootstrap(
    systems: Sequence[SystemRuns], cluster: np.ndarray, draws: int = 10_000, seed: int = 0
) -> Bootstrap:
    """Resample whole clusters of documents with replacement (Efron 1979), for all systems alike.

    `cluster` is int [documents], as `clusters` returns it. Where a system has 5 seeds or more,
    each draw resamples its seeds too, independently of other systems', and so holds both test
    noise and training noise; with fewer seeds, draws hold test noise alone.
    """
    import numpy as np

    grouped = [[by_cluster(run, cluster) for run in system] for system in systems]
    resampled = tuple(len(system) >= SEEDS_TO_RESAMPLE for system in systems)
    of_documents, *of_seeds = np.random.default_rng(seed).spawn(1 + len(systems))
    weights = [
        seed_weights(len(system), draws, generator if again else None)
        for system, again, generator in zip(systems, resampled, of_seeds, strict=True)
    ]
    values = np.empty((len(systems), draws))
    for block, counts in cluster_counts(int(cluster.max()) + 1, draws, of_documents):
        for row, system, weight in zip(values, grouped, weights, strict=True):
            of_runs = np.stack([run.from_totals(run.per_document @ counts) for run in system])
            row[block] = (of_runs * weight[:, block]).sum(axis=0)
    observed = [np.mean([run.value() for run in system]) for system in grouped]
    left_out = [np.mean([jackknife(run) for run in system], axis=0) for system in grouped]
    return Bootstrap(np.array(observed), values, np.stack(left_out), resampled)


def seed_weights(seeds: int, draws: int, generator: np.random.Generator | None) -> np.ndarray:
    """Return the weight of each seed in each draw, float64 [seeds, draws]: resampled, or equal."""
    import numpy as np

    if generator is None:
        return np.full((seeds, draws), 1 / seeds)
    return generator.multinomial(seeds, np.full(seeds, 1 / seeds), size=draws).T / seeds


def cluster_counts(
    clusters: int, draws: int, generator: np.random.Generator
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield blocks of draws: which they are, and float64 [clusters, block] how often each is in."""
    import numpy as np

    for start in range(0, draws, BLOCK):
        block = slice(start, min(start + BLOCK, draws))
        # one call a draw, so that a draw is the same whatever block it is in
        drawn = (generator.integers(clusters, size=clusters) for _ in range(start, block.stop))
        counts = [np.bincount(indices, minlength=clusters) for indices in drawn]
        yield block, np.array(counts).T.astype(float, order="C")


def jackknife(run: AdditiveMetric) -> np.ndarray:
    """Return the metric without each cluster in turn, float64 [clusters], of sums by cluster."""
    import numpy as np

    totals = run.per_document.sum(axis=1)[:, None]
    starts = range(0, run.per_document.shape[1], BLOCK)
    left_out = (run.per_document[:, start : start + BLOCK].toarray() for start in starts)
    return np.concatenate([run.from_totals(totals - parts) for parts in left_out])


def percentile_interval(draws: np.ndarray, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Return low and high, each [...], between which the middle `level` of draws [..., B] lies."""
    import numpy as np

    return quantiles(draws, np.broadcast_to(tails(level), (*draws.shape[:-1], 2)))


def bca_interval(
    observed: np.ndarray | float, draws: np.ndarray, jackknife: np.ndarray, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Return low and high, each [...], of the bias-corrected accelerated interval (Efron 1987).

    `observed` is [...], `draws` [..., B], `jackknife` [..., clusters]. The bias z0 counts draws
    equal to the observed value as half below it; the acceleration a is the jackknife's. Where z0
    is infinite, or a turns the order of the quantiles, it is the percentile interval.
    """
    import numpy as np
    from scipy.special import ndtr, ndtri

    above = draws - np.asarray(observed)[..., None]
    bias = ndtri((np.mean(above < -TIE, axis=-1) + np.mean(above <= TIE, axis=-1)) / 2)[..., None]
    influence = jackknife.mean(axis=-1, keepdims=True) - jackknife
    cubes, squares = (influence**3).sum(axis=-1), (influence**2).sum(axis=-1)
    acceleration = ratio(np.stack([cubes, 6 * squares**1.5]))[..., None]
    shifted = bias + ndtri(tails(level))
    regular = np.isfinite(bias) & (acceleration * shifted < 1).all(axis=-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):  # where it is not regular
        moved = ndtr(bias + shifted / (1 - acceleration * shifted))
    return quantiles(draws, np.where(regular, moved, tails(level)))


def tails(level: float) -> np.ndarray:
    """Return the two probabilities that leave `level` between them, float64 [2]."""
    import numpy as np

    return np.array([(1 - level) / 2, (1 + level) / 2])


def quantiles(draws: np.ndarray, levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the quantiles of draws [..., B] at their own two levels [..., 2], interpolated."""
    import numpy as np

    ordered = np.sort(draws, axis=-1)
    position = levels * (draws.shape[-1] - 1)
    below = np.floor(position).astype(int)
    above = np.ceil(position).astype(int)
    low, high = (np.take_along_axis(ordered, at, axis=-1) for at in (below, above))
    found = low + (high - low) * (position - below)
    return found[..., 0], found[..., 1]

"""How values vary with the choice of test documents: bootstrap, jackknife and intervals.

A system is all seeds of one method on one backbone. It has one `AdditiveMetric` per seed, all over
the same documents in the same order. Its value is the mean of the metric over its seeds.
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
"""Draws computed at once. The totals of a few hundred labels then fit into a core's cache."""

SEEDS_TO_RESAMPLE = 5
"""The fewest seeds that are resampled: fewer say too little about training noise."""

TIE = 1e-12
"""Values that differ by less count as equal: such a difference is rounding."""


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Values of systems on the test documents and on resamples of them.

    - `observed`, float64 [systems]: the values on the test documents.
    - `draws`, float64 [systems, draws]: the values on resamples, which all systems share.
    - `jackknife`, float64 [systems, clusters]: the values without each cluster in turn.
    - `seeds_resampled`: for which systems each draw also resampled the seeds.

    The difference of two systems is the difference of their rows.
    """

    observed: np.ndarray
    draws: np.ndarray
    jackknife: np.ndarray
    seeds_resampled: tuple[bool, ...]


def clusters(groups: Sequence[str]) -> np.ndarray:
    """Return the cluster of each document, int [documents], numbered from 0.

    Documents of one group (e.g. a patent family) are one cluster. A document without a group ("")
    is a cluster by itself.
    """
    import numpy as np

    known: dict[str | int, int] = {}
    numbers = [known.setdefault(group or n, len(known)) for n, group in enumerate(groups)]
    return np.array(numbers, dtype=np.intp)


def by_cluster(run: AdditiveMetric, cluster: np.ndarray) -> AdditiveMetric:
    """Return the same metric with a column per cluster, [statistics, clusters], as CSC."""
    import numpy as np
    from scipy.sparse import csr_array

    documents = np.arange(len(cluster))
    membership = csr_array((np.ones(len(cluster)), (documents, cluster)))
    return AdditiveMetric((run.per_document @ membership).tocsc(), run.from_totals)


def bootstrap(
    systems: Sequence[SystemRuns], cluster: np.ndarray, draws: int = 10_000, seed: int = 0
) -> Bootstrap:
    """Resample whole clusters of documents with replacement (Efron 1979), the same for all systems.

    `cluster` is int [documents], as `clusters` returns it. Where a system has 5 seeds or more,
    each draw also resamples its seeds, independently of other systems: its draws vary with both
    the test documents and the training seeds. With fewer seeds, draws vary with the test
    documents only.
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
    """Yield the slice of each block of draws, and the counts of clusters, [clusters, block]."""
    import numpy as np

    for start in range(0, draws, BLOCK):
        block = slice(start, min(start + BLOCK, draws))
        # one call per draw, so that the size of a block does not change the draws
        drawn = (generator.integers(clusters, size=clusters) for _ in range(start, block.stop))
        counts = [np.bincount(indices, minlength=clusters) for indices in drawn]
        yield block, np.array(counts).T.astype(float, order="C")


def jackknife(run: AdditiveMetric) -> np.ndarray:
    """Return the metric without each cluster in turn, float64 [clusters]; `run` is by cluster."""
    import numpy as np

    totals = run.per_document.sum(axis=1)[:, None]
    starts = range(0, run.per_document.shape[1], BLOCK)
    left_out = (run.per_document[:, start : start + BLOCK].toarray() for start in starts)
    return np.concatenate([run.from_totals(totals - sums) for sums in left_out])


def percentile_interval(draws: np.ndarray, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Return low and high, each [...]: the bounds of the middle `level` of draws [..., B]."""
    import numpy as np

    return quantiles(draws, np.broadcast_to(tails(level), (*draws.shape[:-1], 2)))


def bca_interval(
    observed: np.ndarray | float, draws: np.ndarray, jackknife: np.ndarray, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Return low and high, each [...], of the bias-corrected accelerated interval (Efron 1987).

    `observed` is [...], `draws` [..., B], `jackknife` [..., clusters]. The bias z0 counts draws
    equal to the observed value as half below it. The acceleration a comes from the jackknife.
    Where z0 is infinite, or a would reverse the order of the quantiles, the result is the
    percentile interval.
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
    """Return two quantiles of draws [..., B], at levels [..., 2], linearly interpolated."""
    import numpy as np

    ordered = np.sort(draws, axis=-1)
    position = levels * (draws.shape[-1] - 1)
    below = np.floor(position).astype(int)
    above = np.ceil(position).astype(int)
    low, high = (np.take_along_axis(ordered, at, axis=-1) for at in (below, above))
    values = low + (high - low) * (position - below)
    return values[..., 0], values[..., 1]

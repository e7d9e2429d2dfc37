"""How far a value may lie from the truth: its bias and standard error, by the jackknife.

A system is all seeds of one method on one backbone; its value is the mean of a metric over its
seeds. Two choices move it: which documents are in the test split, and which seeds were trained.

    documents   leave out each cluster in turn (Tukey 1958): n values v_i, v the value of all
                bias = (n - 1) (mean v_i - v),  D = (n - 1) / n * sum (v_i - mean v_i)^2
    seeds       s^2, the variance of the metric over the S seeds, on the same documents
                I, the mean over seeds of D of what a seed's v_i add to the mean over seeds

    variance    D - I / S + s^2 / S       documents and seeds are crossed (Owen 2007)

s^2 holds I as well as the noise of the seeds, and D holds I / S; so I / S is taken out once. Of the
difference of two systems, the v_i are subtracted cluster by cluster, and the seeds of both add up,
with the degrees of freedom of Welch (1947). Documents are many and seeds are few, so each has a
Student's t of its own: p is the mean of both p, weighted by their variances (Cochran 1964). One t
for both would call equal methods different in up to 9 % of boards.

`tests/perf/interval_coverage.py` simulates how often intervals hold the truth, and how often equal
methods are called different.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchbench.contract import AdditiveMetric
from benchbench.evaluation.clusters import BLOCK, TIE, SystemRuns, by_cluster

if TYPE_CHECKING:
    import numpy as np

LEAST_SEEDS = 3
"""The fewest seeds that can speak for a method: fewer say too little about training noise."""
Limits = tuple[float, float]


@dataclass(frozen=True, slots=True)
class SeedNoise:
    """What the choice of seeds adds to the variance of a mean over seeds.

    `between` is s^2 / S, `shared` is I / S, and `seeds` is S (see the head of this file).
    """

    between: float
    shared: float
    seeds: int


@dataclass(frozen=True, slots=True)
class Variation:
    """The value of a system, and what moves it.

    `left_out` is the value without each cluster in turn, float64 [clusters]. `noise` is None
    where the choice of seeds is not included.
    """

    value: float
    left_out: np.ndarray
    noise: SeedNoise | None = None


@dataclass(frozen=True, slots=True)
class Uncertain:
    """A value, its bias, and its variance by documents and by seeds, with degrees of freedom."""

    value: float
    bias: float
    documents: float
    document_degrees: float
    seeds: float = 0.0
    seed_degrees: float = 1.0

    @property
    def error(self) -> float:
        """The standard error."""
        return float((self.documents + self.seeds) ** 0.5)

    def tail(self, distance: float) -> float:
        """Return the two-sided p of a distance, in standard errors."""
        from scipy.stats import t

        by_documents = self.documents * float(t.sf(distance, self.document_degrees))
        by_seeds = self.seeds * float(t.sf(distance, self.seed_degrees))
        return 2 * (by_documents + by_seeds) / (self.documents + self.seeds)


def variation(runs: SystemRuns, cluster: np.ndarray, *, seeds: bool) -> Variation:
    """Return how a system varies; `cluster` is int [documents], as `clusters` returns it.

    `seeds` says whether its seeds are a sample whose choice is to be included. Raises ValueError
    where there are fewer than three of them, or where a value is not a finite number.
    """
    import numpy as np

    if seeds and len(runs) < LEAST_SEEDS:
        raise ValueError(f"{len(runs)} seeds cannot speak for a method; it takes {LEAST_SEEDS}")
    grouped = [by_cluster(run, cluster) for run in runs]
    values = np.array([run.value() for run in grouped])
    left_out = np.stack([leave_one_out(run) for run in grouped])
    if not np.isfinite(left_out).all():
        raise ValueError("without some documents, the metric is not a finite number")
    mean = left_out.mean(axis=0)
    if not seeds:
        return Variation(float(values.mean()), mean)
    own = left_out - mean
    shared = sum(_variance(of_seed) for of_seed in own) / (len(runs) - 1)
    between = float(values.var(ddof=1))
    noise = SeedNoise(between / len(runs), shared / len(runs), len(runs))
    return Variation(float(values.mean()), mean, noise)


def joint_covariance(of: Sequence[Variation]) -> np.ndarray:
    """Return the covariance of values on the same documents by seeds of their own, [n, n].

    All of them lack the same clusters in turn, as in `estimate_difference`. What seeds add is taken
    as the same for all values, since each alone has few seeds, and is widened as Student's t is
    wider than the normal.
    """
    import numpy as np
    from scipy.stats import norm, t

    left_out = np.stack([one.left_out for one in of])
    centred = left_out - left_out.mean(axis=1, keepdims=True)
    covariance: np.ndarray = centred @ centred.T * (left_out.shape[1] - 1) / left_out.shape[1]
    noises = [one.noise for one in of if one.noise is not None]
    if noises:
        wider = float(t.ppf(0.975, sum(noise.seeds - 1 for noise in noises)) / norm.ppf(0.975))
        between = wider**2 * float(np.mean([noise.between for noise in noises]))
        shared = float(np.mean([noise.shared for noise in noises]))
        np.fill_diagonal(covariance, np.maximum(np.diag(covariance) - shared, 0.0) + between)
    return covariance


def leave_one_out(run: AdditiveMetric) -> np.ndarray:
    """Return the metric without each cluster in turn, float64 [clusters]; `run` is by cluster.

    Clusters that add the same to every sum have the same value, which is computed once.
    """
    import numpy as np

    columns = run.per_document
    places: dict[bytes, int] = {}
    first: list[int] = []
    same = np.empty(columns.shape[1], dtype=np.intp)
    for number in range(columns.shape[1]):
        part = slice(columns.indptr[number], columns.indptr[number + 1])
        content = columns.indices[part].tobytes() + columns.data[part].tobytes()
        same[number] = places.setdefault(content, len(first))
        if same[number] == len(first):
            first.append(number)
    totals = columns.sum(axis=1)[:, None]
    distinct = columns[:, first]
    starts = range(0, len(first), BLOCK)
    left_out = (distinct[:, start : start + BLOCK].toarray() for start in starts)
    return np.concatenate([run.from_totals(totals - sums) for sums in left_out])[same]


def estimate(of: Variation) -> Uncertain:
    """Return a system's value with its bias and standard error."""
    return _estimate(of.value, of.left_out, [of.noise])


def estimate_difference(first: Variation, second: Variation) -> Uncertain:
    """Return first minus second; the test documents are the same, the seeds are independent."""
    left_out = first.left_out - second.left_out
    return _estimate(first.value - second.value, left_out, [first.noise, second.noise])


def _estimate(value: float, left_out: np.ndarray, noises: Sequence[SeedNoise | None]) -> Uncertain:
    known = [noise for noise in noises if noise is not None]
    documents = max(0.0, _variance(left_out) - sum(noise.shared for noise in known))
    seeds = sum(noise.between for noise in known)
    if documents + seeds <= TIE**2:
        return Uncertain(value, 0.0, 0.0, 1.0)
    squares = sum(noise.between**2 / (noise.seeds - 1) for noise in known)
    bias = (len(left_out) - 1) * (float(left_out.mean()) - value)
    degrees = max(1, len(left_out) - 1)
    return Uncertain(value, bias, documents, degrees, seeds, seeds**2 / squares if squares else 1.0)


def _variance(left_out: np.ndarray) -> float:
    """Return the jackknife variance of values without each cluster in turn, [clusters]."""
    return float(left_out.var()) * (len(left_out) - 1)


def interval(of: Uncertain, limits: Limits | None = None, level: float = 0.95) -> Limits | None:
    """Return low and high of the interval of an uncertain value; None where nothing varies.

    It is symmetric around the value less its bias, and always holds the value itself. Between two
    `limits` that the value cannot pass (0 and 1 of a share) it is symmetric in the log-odds.
    """
    from scipy.special import expit, logit

    if not of.error:
        return None
    width = _quantile(of, level) * of.error
    middle = of.value - of.bias
    if limits is None:
        return min(middle - width, of.value), max(middle + width, of.value)
    low, high = limits
    share, centre = ((x - low) / (high - low) for x in (of.value, middle))
    if not 0 < share < 1:
        return None
    centre = min(max(centre, TIE), 1 - TIE)
    stretched = width / (high - low) / (share * (1 - share))
    bounds = [
        low + (high - low) * float(expit(logit(centre) + side * stretched)) for side in (-1, 1)
    ]
    return min(bounds[0], of.value), max(bounds[1], of.value)


def p_value(of: Uncertain) -> float:
    """Return the two-sided p of "the difference is 0".

    It is below 0.05 exactly where the interval of 95 % without limits leaves out 0.
    """
    if not of.error:
        return 1.0 if abs(of.value) <= TIE else 0.0
    return of.tail(abs(of.value - of.bias) / of.error)


def _quantile(of: Uncertain, level: float) -> float:
    """Return the distance, in standard errors, whose two-sided p is 1 - level."""
    from scipy.optimize import brentq
    from scipy.stats import t

    parts = ((of.documents, of.document_degrees), (of.seeds, of.seed_degrees))
    ends = [float(t.ppf((1 + level) / 2, degrees)) for part, degrees in parts if part]
    low, high = 0.99 * min(ends), 1.01 * max(ends)  # wider than rounding
    return float(brentq(lambda x: of.tail(x) - (1 - level), low, high, xtol=1e-12))

"""A metric as a function of sums over documents: what makes any metric resamplable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class AdditiveMetric:
    """What every document adds, and how a metric follows from the totals.

    `parts` is a sparse float64 [statistics, documents] array; `finish` maps totals
    [statistics, ...] to values [...]. A resample of documents is `parts` times their counts, an
    exchange of two systems' documents a difference of such products: the bootstrap, the
    jackknife and the randomisation test need nothing else of a metric.
    """

    parts: Any
    finish: Callable[[np.ndarray], np.ndarray]

    def value(self) -> float:
        """Return the metric of the documents as they are."""
        return float(self.finish(self.parts.sum(axis=1)))


def sums(parts: np.ndarray, finish: Callable[[np.ndarray], np.ndarray]) -> AdditiveMetric:
    """Return the sums of dense parts [statistics, documents]."""
    from scipy.sparse import csr_array

    return AdditiveMetric(csr_array(parts, dtype=float), finish)


def mean(values: np.ndarray) -> AdditiveMetric:
    """Return the mean over documents of `values` [documents]."""
    import numpy as np

    return sums(np.stack([values, np.ones(len(values))]), ratio)


def ratio(totals: np.ndarray) -> np.ndarray:
    """Return the first total over the second, and 0 where that is 0/0."""
    import numpy as np

    found: np.ndarray = np.zeros(totals[0].shape)
    np.divide(totals[0], totals[1], out=found, where=totals[1] != 0)
    return found

"""McNemar's test: whether one of two classifiers gets more documents right than the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class McNemar:
    """The number of documents that only one of two classifiers gets right, and two-sided mid-p."""

    only_first: int
    only_second: int
    p: float


def mcnemar_test(first: np.ndarray, second: np.ndarray) -> McNemar:
    """Compare two classifiers by the mid-p test (Fagerland et al. 2013).

    `first` and `second`, bool [documents], say which documents each classifier gets right.
    p = 2 P(X <= m) - P(X = m) = P(X <= m) + P(X <= m - 1), where m is the smaller of the two
    counts b and c and X ~ Bin(b + c, 1/2). It is 1 where b = c. The test needs independent
    decisions. So it compares accuracy or exact match, not the labels of one document.
    """
    from scipy.stats import binom

    only_first = int((first & ~second).sum())
    only_second = int((~first & second).sum())
    least = min(only_first, only_second)
    p = float(binom.cdf([least, least - 1], only_first + only_second, 0.5).sum())
    return McNemar(only_first, only_second, min(p, 1.0))

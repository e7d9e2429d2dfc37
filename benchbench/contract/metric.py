"""A metric: a name, a title, and a function of a scored split."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchbench.contract.corpus import Kind
from benchbench.contract.scored import ScoredSplit

if TYPE_CHECKING:
    import numpy as np

NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class AdditiveMetric:
    """A metric that follows from sums over documents: what makes it resamplable.

    `per_document` is a sparse float64 [statistics, documents] array, what every document adds;
    `from_totals` maps totals [statistics, ...] to values [...]. A resample of documents is
    `per_document` times their counts, an exchange of the documents of two systems a difference
    of such products: bootstrap, jackknife and randomisation test need nothing else of a metric.
    """

    per_document: Any
    from_totals: Callable[[np.ndarray], np.ndarray]

    @classmethod
    def of(
        cls, per_document: np.ndarray, from_totals: Callable[[np.ndarray], np.ndarray]
    ) -> AdditiveMetric:
        """Return the metric of dense statistics [statistics, documents]."""
        from scipy.sparse import csr_array

        return cls(csr_array(per_document, dtype=float), from_totals)

    @classmethod
    def mean(cls, values: np.ndarray) -> AdditiveMetric:
        """Return the mean over documents of `values` [documents]."""
        import numpy as np

        return cls.of(np.stack([values, np.ones(len(values))]), ratio)

    @classmethod
    def ratio(cls, numerators: np.ndarray, denominators: np.ndarray) -> AdditiveMetric:
        """Return the sum of `numerators` over that of `denominators`, each [documents]."""
        import numpy as np

        return cls.of(np.stack([numerators, denominators]), ratio)

    def value(self) -> float:
        """Return the metric of the documents as they are."""
        return float(self.from_totals(self.per_document.sum(axis=1)))


MetricFunction = Callable[[ScoredSplit], AdditiveMetric | float | None]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric, of the harness or of a plugin.

    `name` is what commands and files call it: small letters, digits and underscores. `title`
    stands over its column. `family` is the table that the column is in: one that exists
    ("metrics", "guesses", "hierarchy", "thresholds", "calibration"), or another name, which
    makes a table of that title. `function` returns an AdditiveMetric, which also gets intervals
    and tests; or a number, which has a value alone; or None where it has no value.
    """

    name: str
    title: str
    family: str
    kinds: tuple[Kind, ...]
    function: MetricFunction

    def __post_init__(self) -> None:
        """Refuse a name that no command line and no file can hold."""
        if not NAME.fullmatch(self.name):
            raise ValueError(
                f"a metric is named by small letters, digits and '_', found {self.name!r}"
            )


def ratio(totals: np.ndarray) -> np.ndarray:
    """Return the first total over the second, [...], and 0 where that is 0/0."""
    import numpy as np

    quotient: np.ndarray = np.zeros(totals[0].shape)
    np.divide(totals[0], totals[1], out=quotient, where=totals[1] != 0)
    return quotient

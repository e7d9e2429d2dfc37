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
    """A metric that is computed from sums over documents, so that documents can be resampled.

    `per_document` is a sparse float64 array [statistics, documents]: what each document adds to
    each sum. `from_totals` maps totals [statistics, ...] to values [...].

    Jackknife and randomisation test need nothing else. The totals without a document are the
    totals less its column. The totals after an exchange of documents between two systems are sums
    and differences of such products.

    `interval` says whether the metric may have an interval. It is False where no interval would
    hold the truth often enough, such as that of a mean over labels some of which are rare.
    """

    per_document: Any
    from_totals: Callable[[np.ndarray], np.ndarray]
    interval: bool = True

    @classmethod
    def of(
        cls, per_document: np.ndarray, from_totals: Callable[[np.ndarray], np.ndarray]
    ) -> AdditiveMetric:
        """Return the metric with these dense statistics [statistics, documents]."""
        from scipy.sparse import csr_array

        return cls(csr_array(per_document, dtype=float), from_totals)

    @classmethod
    def mean(cls, values: np.ndarray) -> AdditiveMetric:
        """Return the mean over documents of `values` [documents]."""
        import numpy as np

        return cls.of(np.stack([values, np.ones(len(values))]), ratio)

    @classmethod
    def ratio(cls, numerators: np.ndarray, denominators: np.ndarray) -> AdditiveMetric:
        """Return the sum of `numerators` over the sum of `denominators`, each [documents]."""
        import numpy as np

        return cls.of(np.stack([numerators, denominators]), ratio)

    def value(self) -> float:
        """Return the value on the documents as they are."""
        return float(self.from_totals(self.per_document.sum(axis=1)))


MetricFunction = Callable[[ScoredSplit], AdditiveMetric | float | None]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric, of the harness or of a plugin.

    `name` is its name in commands and files: lowercase letters, digits and underscores. `title`
    is the title of its column. `family` is the table with the column: an existing table
    ("metrics", "guesses", "hierarchy", "thresholds", "calibration"), or the title of a new one.
    `function` returns one of three results:

    - an AdditiveMetric, which gets a value, intervals and tests,
    - a number, which is only a value,
    - None where the metric has no value.

    `limits` are the lowest and the highest value that the metric can have. Its interval then stays
    between them. Give none where it has no highest value.
    `needs_best` says how many of a document's best labels, in their order, decide the metric:
    1 where the decision is enough. None, the default, is every score. A run whose further scores
    are bounds (`ScoredSplit.exact_best`) gets no value of a metric that needs more than it has.
    """

    name: str
    title: str
    family: str
    kinds: tuple[Kind, ...]
    function: MetricFunction
    lower_is_better: bool = False
    limits: tuple[float, float] | None = None
    needs_best: int | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for a name that commands and files cannot use."""
        if not NAME.fullmatch(self.name):
            raise ValueError(
                f"the name of a metric needs a lowercase letter, then lowercase letters, digits "
                f"or '_'; found {self.name!r}"
            )


def ratio(totals: np.ndarray) -> np.ndarray:
    """Return totals[0] / totals[1], [...], and 0 where totals[1] is 0."""
    import numpy as np

    quotient: np.ndarray = np.zeros(totals[0].shape)
    np.divide(totals[0], totals[1], out=quotient, where=totals[1] != 0)
    return quotient

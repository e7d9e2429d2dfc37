"""The test documents as independent units: a system's runs, and their sums per cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchbench.contract import AdditiveMetric

if TYPE_CHECKING:
    import numpy as np

SystemRuns = Sequence[AdditiveMetric]
"""The runs of a system, one per seed, over the same documents in the same order."""

BLOCK = 64
"""Columns computed at once. The totals of a few hundred labels then fit into a core's cache."""

TIE = 1e-12
"""Values that differ by less count as equal: such a difference is rounding."""


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
    from dataclasses import replace

    import numpy as np
    from scipy.sparse import csr_array

    documents = np.arange(len(cluster))
    membership = csr_array((np.ones(len(cluster)), (documents, cluster)))
    return replace(run, per_document=(run.per_document @ membership).tocsc())

"""Metrics of a label hierarchy: a label counts as itself and all its ancestors.

The common root of all labels is not a node: it would always be right. Sums are over all documents
(Kiritchenko et al., 2006). Measures of sets favour predictions of many paths (Kosmopoulos et al.,
2015), so there is also the F1 of each level.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from benchbench.contract import AdditiveMetric, LabelFacts, ScoredSplit, ratio

if TYPE_CHECKING:
    import numpy as np


def hierarchical_precision(scored: ScoredSplit) -> AdditiveMetric | None:
    """Return hP: of all decided nodes, the share that is gold. None without a hierarchy."""
    return _node_sums(scored, lambda totals: ratio(totals[[0, 1]]))


def hierarchical_recall(scored: ScoredSplit) -> AdditiveMetric | None:
    """Return hR: of all gold nodes, the share that is decided. None without a hierarchy."""
    return _node_sums(scored, lambda totals: ratio(totals[[0, 2]]))


def hierarchical_f1(scored: ScoredSplit) -> AdditiveMetric | None:
    """Return hF, the harmonic mean of hP and hR. None without a hierarchy."""
    return _node_sums(scored, _f1)


def level_f1(scored: ScoredSplit, level: int) -> AdditiveMetric | None:
    """Return micro-F1 over the nodes of one level; level 1 has the nodes without a parent.

    None without a hierarchy, or where the hierarchy has no such level.
    """
    return _node_sums(scored, _f1, level)


def lineage(node: str, parents: Mapping[str, str]) -> tuple[str, ...]:
    """Return a node and its ancestors, the highest first; level n is at index n - 1.

    Raises ValueError where a node is its own ancestor.
    """
    line = [node]
    while (parent := parents.get(line[-1])) is not None:
        line.append(parent)
        if parent in line[:-1]:
            raise ValueError(f"the parents of label {node!r} run in a circle: {' < '.join(line)}")
    return tuple(reversed(line))


def lineages(labels: LabelFacts) -> list[tuple[str, ...]]:
    """Return the lineage of every label, unseen labels last."""
    return [lineage(name, labels.space.parents) for name in labels.space.columns]


def levels(labels: LabelFacts) -> int:
    """Return how many levels the hierarchy has, and 0 where no label has a parent."""
    deepest = max(map(len, lineages(labels)), default=0)
    return deepest if deepest > 1 else 0


def _node_sums(
    scored: ScoredSplit, from_totals: Callable[[np.ndarray], np.ndarray], level: int | None = None
) -> AdditiveMetric | None:
    """Return a metric of three counts per document, on one level or on all.

    The counts are the nodes that are both decided and gold, those decided, and those gold.
    """
    import numpy as np
    from scipy.sparse import csr_array

    lines = lineages(scored.labels)
    depth = levels(scored.labels)
    if not depth or level not in (None, *range(1, depth + 1)):
        return None
    nodes = _membership([line if level is None else line[level - 1 : level] for line in lines])
    # a product of booleans is a union: a node counts once, however many labels are below it
    gold = csr_array(scored.predictions.gold) @ nodes
    decided = csr_array(scored.decided()) @ nodes
    return AdditiveMetric.of(
        np.stack([(gold * decided).sum(1), decided.sum(1), gold.sum(1)]), from_totals
    )


def _membership(lines: list[tuple[str, ...]]) -> Any:
    """Return which nodes each lineage has, sparse bool [lineages, nodes]."""
    import numpy as np
    from scipy.sparse import csr_array

    places: dict[str, int] = {}
    columns = [places.setdefault(node, len(places)) for line in lines for node in line]
    rows = np.repeat(np.arange(len(lines)), [len(line) for line in lines])
    ones = np.ones(len(columns), dtype=bool)
    return csr_array((ones, (rows, columns)), shape=(len(lines), len(places)))


def _f1(totals: np.ndarray) -> np.ndarray:
    import numpy as np

    return ratio(np.stack([2 * totals[0], totals[1] + totals[2]]))

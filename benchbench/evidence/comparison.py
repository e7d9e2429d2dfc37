"""The systems of one dataset compared by one metric: intervals, tests, ranks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

from benchbench.contract import AdditiveMetric, Kind
from benchbench.evidence.runs import Documents, RunScores
from benchbench.evidence.systems import System
from benchbench.evidence.values import (
    DatasetEvidence,
    Interval,
    McNemarEvidence,
    PairEvidence,
    SystemEvidence,
)

if TYPE_CHECKING:
    import numpy as np

    from benchbench.evaluation import Bootstrap

RESAMPLES = 10_000
LEVEL = 0.05
RIGHT = {"single-label": "accuracy", "multi-label": "exact_match"}
"""The metric that McNemar's test compares: whether all labels of a document are right."""
MOST_CONFUSIONS = 1_000
Place = tuple[str, int, int]
"""The letters of a system, its best rank and its worst rank."""


@dataclass(frozen=True, slots=True)
class ScoredSystems:
    """The complete systems of a dataset that can be compared by `metric`, best first.

    `runs` has the runs of each system in the order of their seeds; all share `documents`.
    `left_out` says which systems cannot be compared, and why.
    """

    kind: Kind
    metric: str
    labels: tuple[str, ...]
    systems: tuple[System, ...] = ()
    runs: tuple[tuple[RunScores, ...], ...] = ()
    documents: Documents = field(default_factory=Documents)
    left_out: tuple[str, ...] = ()
    lower_is_better: bool = False

    @property
    def additive(self) -> list[list[AdditiveMetric]]:
        """The metric of every run of every system."""
        return [[run.additive[self.metric] for run in runs] for runs in self.runs]

    @property
    def pairs(self) -> Iterator[tuple[int, int]]:
        """All pairs of systems, by their places."""
        return combinations(range(len(self.systems)), 2)


def scored_systems(
    kind: Kind,
    metric: str,
    labels: tuple[str, ...],
    ranked: Sequence[System],
    runs: Mapping[str, RunScores],
) -> ScoredSystems:
    """Return the systems of `ranked` that have the metric and share their test documents."""
    documents: Documents | None = None
    systems: list[System] = []
    kept: list[tuple[RunScores, ...]] = []
    left_out: list[str] = []
    for system in ranked:
        scores = [runs[entry.id] for entry in system.cells]
        scores.sort(key=lambda run: run.seed)
        reason = _reason_to_leave_out(scores, metric, documents)
        if reason:
            left_out.append(f"{system.name}: {reason}")
            continue
        documents = scores[0].documents
        systems.append(system)
        kept.append(tuple(scores))
    return ScoredSystems(
        kind,
        metric,
        labels,
        tuple(systems),
        tuple(kept),
        documents or (next(iter(runs.values())).documents if runs else Documents()),
        tuple(left_out),
    )


def _reason_to_leave_out(
    runs: Sequence[RunScores], metric: str, documents: Documents | None
) -> str:
    """Return why a system cannot be compared, or an empty text."""
    if any(metric not in run.values["test"] for run in runs):
        return f"it has no {metric}"
    if any(metric not in run.additive for run in runs):
        return f"{metric} is a plain number, so it has no interval and no test"
    if any(run.documents != runs[0].documents for run in runs):
        return "its seeds were tested on different documents"
    if documents is not None and runs[0].documents != documents:
        return "its test documents differ from those of the other systems"
    return ""


def p_values(scored: ScoredSystems, exchanges: int) -> list[float]:
    """Return the p value of every pair of systems, in the order of `ScoredSystems.pairs`."""
    from benchbench.evaluation import clusters, randomisation_test

    if len(scored.systems) < 2:
        return []
    matrix = randomisation_test(scored.additive, clusters(scored.documents.groups), draws=exchanges)
    return [float(matrix[pair]) for pair in scored.pairs]


def compare_pair(scored: ScoredSystems) -> PairEvidence:
    """Return the comparison of two systems; its p value is not corrected."""
    from benchbench.evaluation import bootstrap, clusters, draws_for

    (p,) = p_values(scored, draws_for(1))
    resampled = bootstrap(scored.additive, clusters(scored.documents.groups), draws=RESAMPLES)
    return _pair(scored, (0, 1), (p, p), resampled)


def dataset_evidence(
    scored: ScoredSystems,
    tests: Sequence[tuple[float, float]],
    baseline_methods: Sequence[str],
) -> DatasetEvidence:
    """Return the evidence of a dataset; `tests` are (raw, adjusted) p values by pair."""
    from benchbench.evaluation import bootstrap, clusters

    if not scored.systems:
        return without_tests(scored)
    cluster = clusters(scored.documents.groups)
    resampled = bootstrap(scored.additive, cluster, draws=RESAMPLES)
    pairs = tuple(
        _pair(scored, pair, p, resampled) for pair, p in zip(scored.pairs, tests, strict=True)
    )
    systems = tuple(
        _system(scored, number, resampled, place)
        for number, place in enumerate(_places(resampled, pairs, scored.lower_is_better))
    )
    baselines = (
        number for number, system in enumerate(scored.systems) if system.method in baseline_methods
    )
    return DatasetEvidence(
        scored.metric,
        RIGHT[scored.kind],
        len(scored.documents.groups),
        int(cluster.max()) + 1,
        scored.labels,
        scored.documents.support,
        systems,
        pairs,
        next(baselines, None),
        scored.left_out,
    )


def without_tests(scored: ScoredSystems) -> DatasetEvidence:
    """Return the evidence of a dataset without intervals and tests."""
    support, right = scored.documents.support, RIGHT[scored.kind]
    return DatasetEvidence(
        scored.metric, right, 0, 0, scored.labels, support, (), (), None, scored.left_out
    )


def _places(
    resampled: Bootstrap, pairs: Sequence[PairEvidence], lower_is_better: bool
) -> list[Place]:
    """Return the letters of every system and its ranks, which follow from the tests."""
    import numpy as np

    from benchbench.evaluation import letters, rank_intervals

    count = len(resampled.observed)
    significant = np.zeros((count, count), dtype=bool)
    for pair in pairs:
        differ = pair.p_holm < LEVEL
        significant[pair.first, pair.second] = significant[pair.second, pair.first] = differ
    goodness = -resampled.observed if lower_is_better else resampled.observed
    ranks = rank_intervals(goodness, significant)
    return [
        (tied, *rank) for tied, rank in zip(letters(range(count), significant), ranks, strict=True)
    ]


def _system(
    scored: ScoredSystems, number: int, resampled: Bootstrap, place: Place
) -> SystemEvidence:
    import numpy as np

    system, runs = scored.systems[number], scored.runs[number]
    observed, draws = resampled.observed[number], resampled.draws[number]
    return SystemEvidence(
        system.method,
        system.backbone,
        tuple(run.seed for run in runs),
        float(observed),
        _interval(observed, draws, resampled.jackknife[number]),
        float(draws.mean() - observed),
        resampled.seeds_resampled[number],
        *place,
        _pooled([run.reliability for run in runs]),
        tuple(np.mean([run.label_f1 for run in runs], axis=0).tolist()),
        _most(np.sum([run.confusion for run in runs], axis=0)),
    )


def _pair(
    scored: ScoredSystems, pair: tuple[int, int], p: tuple[float, float], resampled: Bootstrap
) -> PairEvidence:
    first, second = pair
    difference = resampled.observed[first] - resampled.observed[second]
    interval = _interval(
        difference,
        resampled.draws[first] - resampled.draws[second],
        resampled.jackknife[first] - resampled.jackknife[second],
    )
    mcnemar = tuple(_mcnemar(scored.runs[first], scored.runs[second]))
    return PairEvidence(first, second, float(difference), interval, *p, mcnemar)


def _interval(observed: float, draws: np.ndarray, jackknife: np.ndarray) -> Interval:
    from benchbench.evaluation import bca_interval, percentile_interval

    bounds = (*percentile_interval(draws), *bca_interval(observed, draws, jackknife))
    return Interval(*(float(bound) for bound in bounds))


def _mcnemar(first: Sequence[RunScores], second: Sequence[RunScores]) -> Iterator[McNemarEvidence]:
    """Compare equal seeds; a system of one seed is compared with every seed of the other."""
    from benchbench.evaluation import mcnemar_test

    for run in first:
        for other in second:
            if run.seed == other.seed or len(first) == 1 or len(second) == 1:
                test = mcnemar_test(run.right, other.right)
                seed = other.seed if len(first) == 1 else run.seed
                yield McNemarEvidence(seed, test.only_first, test.only_second, test.p)


def _pooled(parts: Sequence[np.ndarray]) -> tuple[tuple[float, float, int], ...]:
    """Pool the bins (confidence, accuracy, count) of several runs: each bin over all runs."""
    import numpy as np

    from benchbench.evaluation import BINS

    rows = np.concatenate(parts)
    bins = np.minimum((rows[:, 0] * BINS).astype(int), BINS - 1)
    pooled = []
    for number in np.unique(bins):
        chosen = rows[bins == number]
        count = chosen[:, 2].sum()
        weighted = (chosen[:, :2] * chosen[:, 2:]).sum(axis=0) / count
        pooled.append((float(weighted[0]), float(weighted[1]), int(count)))
    return tuple(pooled)


def _most(confusion: np.ndarray) -> tuple[tuple[int, int, int], ...]:
    """Return the largest entries as (row, column, documents), the largest first."""
    import numpy as np

    rows, columns = np.nonzero(confusion)
    counts = confusion[rows, columns].astype(int)
    order = np.lexsort((columns, rows, -counts))[:MOST_CONFUSIONS]
    return tuple(
        zip(rows[order].tolist(), columns[order].tolist(), counts[order].tolist(), strict=True)
    )

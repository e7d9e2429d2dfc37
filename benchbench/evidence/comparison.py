"""The systems of one dataset compared by one metric: intervals, tests, ranks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchbench.evidence.intervals import Interval, IntervalEstimate
from benchbench.evidence.runs import RunScores
from benchbench.evidence.scored_systems import ScoredSystems
from benchbench.evidence.values import (
    LEVEL,
    DatasetEvidence,
    McNemarEvidence,
    PairEvidence,
    SystemEvidence,
)

if TYPE_CHECKING:
    import numpy as np

    from benchbench.evaluation import Uncertain, Variation

RIGHT = {"single-label": "accuracy", "multi-label": "exact_match"}
"""The metric that McNemar's test compares: whether all labels of a document are right."""
MOST_CONFUSIONS = 1_000
Place = tuple[str, int, int]
"""The letters of a system, its best rank and its worst rank."""


@dataclass(frozen=True, slots=True)
class Variations:
    """How every system varies by the metric that ranks, and by its form over frequent labels."""

    by_metric: tuple[Variation, ...]
    by_frequent: tuple[Variation, ...] | None


def variations(scored: ScoredSystems) -> Variations:
    """Return how every system varies with the choice of documents, and of seeds if included."""
    from benchbench.evaluation import clusters, variation

    cluster = clusters(scored.documents.groups)

    def of(metric: str) -> tuple[Variation, ...]:
        return tuple(
            variation(runs, cluster, seeds=scored.seeds_included(place))
            for place, runs in enumerate(scored.additive(metric))
        )

    return Variations(of(scored.metric), of(scored.frequent) if scored.frequent else None)


def p_values(scored: ScoredSystems, varied: Variations, exchanges: int) -> list[float]:
    """Return the p value of every pair of systems, in the order of `ScoredSystems.pairs`."""
    from benchbench.evaluation import clusters, estimate_difference, p_value, randomisation_test

    exchanged = scored.exchanged_pairs
    matrix = randomisation_test(
        scored.additive(scored.metric),
        clusters(scored.documents.groups),
        draws=exchanges,
        pairs=exchanged,
    )
    return [
        float(matrix[pair])
        if pair in exchanged
        else p_value(estimate_difference(*(varied.by_metric[place] for place in pair)))
        for pair in scored.pairs
    ]


def compare_pair(scored: ScoredSystems) -> PairEvidence:
    """Return the comparison of two systems; its p value is not corrected."""
    from benchbench.evaluation import draws_for

    varied = variations(scored)
    (p,) = p_values(scored, varied, draws_for(1))
    return _pair(scored, (0, 1), (p, p), varied)


def dataset_evidence(scored: ScoredSystems, baseline_methods: Sequence[str]) -> DatasetEvidence:
    """Return the evidence of a dataset; p values are corrected for all its pairs."""
    from benchbench.evaluation import clusters, draws_for, holm

    if not scored.systems:
        return without_tests(scored)
    exchanges = draws_for(len(scored.pairs)) if scored.exchanged_pairs else 0
    varied = variations(scored)
    raw = p_values(scored, varied, exchanges)
    tests = zip(raw, holm(raw).tolist(), strict=True)
    pairs = tuple(
        _pair(scored, pair, p, varied) for pair, p in zip(scored.pairs, tests, strict=True)
    )
    return DatasetEvidence(
        scored.metric,
        RIGHT[scored.kind],
        len(scored.documents.groups),
        int(clusters(scored.documents.groups).max()) + 1,
        scored.labels,
        scored.documents.support,
        tuple(
            _system(scored, number, varied, place)
            for number, place in enumerate(_places(scored, varied, pairs))
        ),
        pairs,
        _baseline(scored, baseline_methods),
        scored.left_out,
        scored.frequent_labels,
        exchanges,
    )


def _baseline(scored: ScoredSystems, methods: Sequence[str]) -> int | None:
    """Return the place of the baseline method that is best on validation; test chooses nothing."""
    places = [place for place, system in enumerate(scored.systems) if system.method in methods]
    goodness = {
        place: scored.systems[place].goodness(scored.metric, scored.lower_is_better, "validation")
        for place in places
    }
    return max(places, key=lambda place: (goodness[place], -place), default=None)


def without_tests(scored: ScoredSystems) -> DatasetEvidence:
    """Return the evidence of a dataset without intervals and tests."""
    support, right = scored.documents.support, RIGHT[scored.kind]
    return DatasetEvidence(
        scored.metric, right, 0, 0, scored.labels, support, (), (), None, scored.left_out
    )


def _places(
    scored: ScoredSystems, varied: Variations, pairs: Sequence[PairEvidence]
) -> list[Place]:
    """Return the letters of every system and its ranks, which follow from the tests."""
    import numpy as np

    from benchbench.evaluation import letters, rank_intervals

    count = len(scored.systems)
    significant = np.zeros((count, count), dtype=bool)
    for pair in pairs:
        differ = pair.p_holm < LEVEL
        significant[pair.first, pair.second] = significant[pair.second, pair.first] = differ
    values = np.array([system.value for system in varied.by_metric])
    ranks = rank_intervals(-values if scored.lower_is_better else values, significant)
    return [
        (tied, *rank) for tied, rank in zip(letters(range(count), significant), ranks, strict=True)
    ]


def _system(scored: ScoredSystems, number: int, varied: Variations, place: Place) -> SystemEvidence:
    import numpy as np

    from benchbench.evaluation import estimate

    system, runs = scored.systems[number], scored.runs[number]
    frequent = None
    if varied.by_frequent is not None and scored.frequent is not None:
        of_frequent = estimate(varied.by_frequent[number])
        frequent = IntervalEstimate(
            of_frequent.value, _interval(scored, scored.frequent, (number,), of_frequent)
        )
    of_metric = estimate(varied.by_metric[number])
    return SystemEvidence(
        system.method,
        system.backbone,
        tuple(run.seed for run in runs),
        of_metric.value,
        _interval(scored, scored.metric, (number,), of_metric),
        frequent,
        scored.speaks_for_method(number),
        *place,
        _pooled([run.reliability for run in runs]),
        tuple(np.mean([run.label_f1 for run in runs], axis=0).tolist()),
        _most(np.sum([run.confusion for run in runs], axis=0)),
    )


def _pair(
    scored: ScoredSystems, pair: tuple[int, int], p: tuple[float, float], varied: Variations
) -> PairEvidence:
    from benchbench.evaluation import estimate_difference

    first, second = pair
    difference = estimate_difference(varied.by_metric[first], varied.by_metric[second])
    frequent = None
    if varied.by_frequent is not None and scored.frequent is not None:
        of_frequent = estimate_difference(varied.by_frequent[first], varied.by_frequent[second])
        frequent = IntervalEstimate(
            of_frequent.value, _interval(scored, scored.frequent, pair, of_frequent)
        )
    return PairEvidence(
        first,
        second,
        difference.value,
        _interval(scored, scored.metric, pair, difference),
        frequent,
        *p,
        all(map(scored.speaks_for_method, pair)),
        tuple(_mcnemar(scored.runs[first], scored.runs[second])),
    )


def _interval(
    scored: ScoredSystems, metric: str, places: Sequence[int], of: Uncertain
) -> Interval | None:
    """Return the interval of a system (one place) or of a difference (two); None if unsafe."""
    from benchbench.evaluation import interval

    runs = [run.additive[metric] for place in places for run in scored.runs[place]]
    if not all(run.interval for run in runs):
        return None
    bounds = interval(of, scored.limits if len(places) == 1 else None)
    return Interval(*bounds) if bounds else None


def score_interval(
    scored: ScoredSystems, metric: str, place: int, of: Uncertain
) -> Interval | None:
    """Return the interval of the score of a system; None where none would hold the truth."""
    return _interval(scored, metric, (place,), of)


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

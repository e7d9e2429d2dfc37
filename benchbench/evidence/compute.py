"""From a board's stored predictions to its evidence: what is sure, and what is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import combinations
from typing import TYPE_CHECKING

from benchbench.contract import Record, StoreError
from benchbench.evidence.board import Board
from benchbench.evidence.runs import RunScores, ScoredSystems, read_systems
from benchbench.evidence.systems import systems_on
from benchbench.evidence.values import (
    DatasetEvidence,
    Evidence,
    Interval,
    McNemarEvidence,
    PairEvidence,
    SystemEvidence,
)
from benchbench.machine import core_digest, digest, fsio
from benchbench.records import Store, read_json, write_json

if TYPE_CHECKING:
    import numpy as np

    from benchbench.evaluation import Bootstrap

RESAMPLES = 10_000
LEVEL = 0.05
RIGHT = {"single-label": "accuracy", "multi-label": "exact_match"}
"""What McNemar's test is about: whether a document is right, all of it."""
MOST_CONFUSIONS = 1_000
Standing = tuple[str, int, int]
"""The letters of a system, its best and its worst rank."""
CODE = ("contract", "evaluation", "evidence", "records/predictions.py")
"""The code that the evidence follows from."""


def load_or_compute(
    store: Store,
    board: Board,
    records: Mapping[str, Record | None],
    say: Callable[[str], None] = lambda line: None,
) -> Evidence:
    """Return the evidence that stands beside the board, weighed anew where it does not fit it."""
    with suppress(StoreError, TypeError, KeyError, AttributeError, ValueError):
        kept = Evidence.from_json(read_json(store, "evidence", board.name))
        if kept.inputs == inputs_of(board, records):
            return kept
    found = compute_evidence(store, board, records, say)
    with suppress(StoreError):  # where only reading is allowed, it is weighed every time
        fsio.make_folder(store.folder("evidence"))
        write_json(store, "evidence", board.name, found.to_json())
    return found


def inputs_of(board: Board, records: Mapping[str, Record | None]) -> str:
    """Return a digest of all that the evidence follows from, code included."""
    runs = {
        cell: [record.status, record.predictions, record.facts.get("hard")]
        for cell, record in records.items()
        if record is not None
    }
    return digest([board.to_json(), runs, core_digest(CODE)])


def compute_evidence(
    store: Store,
    board: Board,
    records: Mapping[str, Record | None],
    say: Callable[[str], None] = lambda line: None,
) -> Evidence:
    """Return the evidence of a board, from the predictions of the records that count."""
    from benchbench.evaluation import draws_for, holm

    read = {name: _read(store, board, name, records) for name in sorted(board.datasets)}
    sizes = [len(each.systems) for each in read.values()]
    family = sum(size * (size - 1) // 2 for size in sizes)
    if family:
        say(f"Weighing {sum(sizes)} systems in {family} pairs ...")
    exchanges = draws_for(family)
    tests = {name: _p_values(each, exchanges) for name, each in read.items()}
    adjusted = iter(holm([p for values in tests.values() for p in values]).tolist())
    datasets = {}
    for name, each in read.items():
        values = [(p, next(adjusted)) for p in tests[name]]
        datasets[name] = _dataset(each, values, board.baseline_methods)
    return Evidence(inputs_of(board, records), family, RESAMPLES, exchanges, datasets)


def _read(
    store: Store, board: Board, dataset: str, records: Mapping[str, Record | None]
) -> ScoredSystems:
    facts = board.datasets[dataset]
    ranked, _ = systems_on(board, dataset, records)
    return read_systems(store, facts, ranked, facts["main_metric"])


def compute_pair(read: ScoredSystems) -> PairEvidence:
    """Return the one pair of two systems that were read; its p value is not corrected."""
    from benchbench.evaluation import bootstrap, clusters, draws_for

    (p,) = _p_values(read, draws_for(1))
    sums = [[run.main for run in runs] for runs in read.runs]
    found = bootstrap(sums, clusters(read.documents.groups), draws=RESAMPLES)
    return _pair(read, (0, 1), (p, p), found)


def _p_values(read: ScoredSystems, exchanges: int) -> list[float]:
    """Return the p value of every pair of systems, in the order of `_pairs_of`."""
    from benchbench.evaluation import clusters, randomisation_test

    if len(read.systems) < 2:
        return []
    sums = [[run.main for run in runs] for runs in read.runs]
    found = randomisation_test(sums, clusters(read.documents.groups), draws=exchanges)
    return [float(found[pair]) for pair in _pairs_of(read)]


def _pairs_of(read: ScoredSystems) -> Iterator[tuple[int, int]]:
    return combinations(range(len(read.systems)), 2)


def _dataset(
    read: ScoredSystems, p_values: Sequence[tuple[float, float]], baseline_methods: Sequence[str]
) -> DatasetEvidence:
    """Return the evidence of a dataset; `p_values` are (raw, adjusted) in the order of pairs."""
    from benchbench.evaluation import bootstrap, clusters

    metric, right = read.facts["main_metric"], RIGHT[read.facts["kind"]]
    if not read.systems:
        return DatasetEvidence(metric, right, 0, 0, (), (), (), (), None, read.left_out)
    cluster = clusters(read.documents.groups)
    found = bootstrap([[run.main for run in runs] for runs in read.runs], cluster, draws=RESAMPLES)
    pairs = tuple(
        _pair(read, pair, p, found) for pair, p in zip(_pairs_of(read), p_values, strict=True)
    )
    standings = _standings(found, pairs)
    systems = tuple(
        _system(read, place, found, standing) for place, standing in enumerate(standings)
    )
    places = (
        place for place, system in enumerate(read.systems) if system.method in baseline_methods
    )
    return DatasetEvidence(
        metric,
        right,
        len(read.documents.groups),
        int(cluster.max()) + 1,
        read.labels,
        read.documents.support,
        systems,
        pairs,
        next(places, None),
        read.left_out,
    )


def _standings(found: Bootstrap, pairs: Sequence[PairEvidence]) -> list[Standing]:
    """Return the letters and the ranks of every system that the tests leave."""
    import numpy as np

    from benchbench.evaluation import letters, rank_intervals

    count = len(found.observed)
    significant = np.zeros((count, count), dtype=bool)
    for pair in pairs:
        told_apart = pair.p_holm < LEVEL
        significant[pair.first, pair.second] = significant[pair.second, pair.first] = told_apart
    ranks = rank_intervals(found.observed, significant)
    return [
        (tied, *rank) for tied, rank in zip(letters(range(count), significant), ranks, strict=True)
    ]


def _system(
    read: ScoredSystems, place: int, found: Bootstrap, standing: Standing
) -> SystemEvidence:
    import numpy as np

    system, runs = read.systems[place], read.runs[place]
    return SystemEvidence(
        system.method,
        system.backbone,
        tuple(run.seed for run in runs),
        float(found.observed[place]),
        _interval(found.observed[place], found.draws[place], found.jackknife[place]),
        float(found.draws[place].mean() - found.observed[place]),
        found.seeds_resampled[place],
        *standing,
        _pooled([run.reliability for run in runs]),
        tuple(np.mean([run.label_f1 for run in runs], axis=0).tolist()),
        _most(np.sum([run.confusion for run in runs], axis=0)),
    )


def _pair(
    read: ScoredSystems, pair: tuple[int, int], p: tuple[float, float], found: Bootstrap
) -> PairEvidence:
    first, second = pair
    difference = found.observed[first] - found.observed[second]
    interval = _interval(
        difference,
        found.draws[first] - found.draws[second],
        found.jackknife[first] - found.jackknife[second],
    )
    mcnemar = tuple(_mcnemar(read.runs[first], read.runs[second]))
    return PairEvidence(first, second, float(difference), interval, *p, mcnemar)


def _interval(observed: float, draws: np.ndarray, jackknife: np.ndarray) -> Interval:
    from benchbench.evaluation import bca_interval, percentile_interval

    bounds = (*percentile_interval(draws), *bca_interval(observed, draws, jackknife))
    return Interval(*(float(bound) for bound in bounds))


def _mcnemar(first: Sequence[RunScores], second: Sequence[RunScores]) -> Iterator[McNemarEvidence]:
    """Compare equal seeds; a system of one seed is compared with every seed of the other."""
    from benchbench.evaluation import mcnemar_test

    for one in first:
        for other in second:
            if one.seed == other.seed or len(first) == 1 or len(second) == 1:
                found = mcnemar_test(one.right, other.right)
                seed = other.seed if len(first) == 1 else one.seed
                yield McNemarEvidence(seed, found.only_first, found.only_second, found.p)


def _pooled(parts: Sequence[np.ndarray]) -> tuple[tuple[float, float, int], ...]:
    """Pool the bins (confidence, accuracy, count) of several runs: those of one place as one."""
    import numpy as np

    rows = np.concatenate(parts)
    if not len(rows):
        return ()
    from benchbench.evaluation import BINS

    place = np.minimum((rows[:, 0] * BINS).astype(int), BINS - 1)
    pooled = []
    for one in np.unique(place):
        chosen = rows[place == one]
        count = chosen[:, 2].sum()
        weighted = (chosen[:, :2] * chosen[:, 2:]).sum(axis=0) / count
        pooled.append((float(weighted[0]), float(weighted[1]), int(count)))
    return tuple(pooled)


def _most(confusion: np.ndarray) -> tuple[tuple[int, int, int], ...]:
    """Return the largest entries as (row, column, documents), by count, then by place."""
    import numpy as np

    rows, columns = np.nonzero(confusion)
    counts = confusion[rows, columns].astype(int)
    order = np.lexsort((columns, rows, -counts))[:MOST_CONFUSIONS]
    return tuple(
        zip(rows[order].tolist(), columns[order].tolist(), counts[order].tolist(), strict=True)
    )

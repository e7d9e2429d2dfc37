"""From a board's stored predictions to its evidence: values, intervals and tests.

All of them are computed together, from the same files by the same code, so they cannot disagree.
When a metric is fixed or added, every finished cell gets its value without a new run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial

from benchbench.contract import Record, StoreError, UnknownName, did_you_mean
from benchbench.evaluation import METRICS, metrics_of
from benchbench.evidence.board import Board
from benchbench.evidence.comparison import dataset_evidence, without_tests
from benchbench.evidence.learning import learning_evidence
from benchbench.evidence.runs import ScoredRuns, score_board
from benchbench.evidence.scored_systems import FREQUENT, ScoredSystems, scored_systems
from benchbench.evidence.systems import systems_on
from benchbench.evidence.values import Evidence, Values
from benchbench.machine import core_digest, digest, fsio
from benchbench.records import Store, read_typed, write_json

CODE = ("contract", "evaluation", "evidence", "records/prediction_files.py")
"""The code that decides the evidence."""
Records = Mapping[str, Record | None]
Say = Callable[[str], None]


def load_or_compute(
    store: Store, board: Board, records: Records, say: Say = lambda line: None
) -> Evidence:
    """Return the stored evidence of a board; compute and store it if it is missing or outdated."""
    stored = _stored_evidence(store, board, records)
    if stored is not None:
        return stored
    evidence = compute_evidence(store, board, records, say=say)
    with suppress(StoreError):  # in a read-only store, it is computed every time
        fsio.make_folder(store.folder("evidence"))
        write_json(store, "evidence", board.name, evidence.to_json())
    return evidence


def read_evidence(store: Store, board: Board) -> Evidence:
    """Return the stored evidence of a board; raise StoreError if it is missing or does not fit."""
    evidence = read_typed(store, "evidence", board.name, Evidence)
    try:
        evidence.check_fits({entry.id for entry in board.cells}, board.datasets)
    except ValueError as error:
        raise StoreError(f"evidence/{board.name}.json: {error}.") from error
    return evidence


def values_of(store: Store, board: Board, records: Records) -> Mapping[str, Values]:
    """Return the values of every run of a board, by cell id, without waiting for tests."""
    stored = _stored_evidence(store, board, records)
    return stored.values if stored else compute_values(store, board, records).values


def _stored_evidence(store: Store, board: Board, records: Records) -> Evidence | None:
    """Return the stored evidence if it fits; a run that could not be read is tried again."""
    with suppress(StoreError):
        stored = read_evidence(store, board)
        if stored.inputs == inputs_of(board, records) and not stored.unread:
            return stored
    return None


def inputs_of(board: Board, records: Records) -> str:
    """Return a digest of all that decides the evidence: cells, data, predictions and code."""
    runs = {
        cell: [record.status, record.predictions, record.facts.get("hard"), record.exact_best]
        for cell, record in records.items()
        if record is not None
    }
    datasets = {
        name: [dataset.fingerprint, dataset.kind, dataset.main_metric]
        for name, dataset in board.datasets.items()
    }
    cells = [entry.to_json() for entry in board.cells]
    methods = [list(board.baseline_methods), list(board.seed_free_methods)]
    return digest([cells, datasets, methods, runs, core_digest(CODE)])


def compute_evidence(
    store: Store,
    board: Board,
    records: Records,
    *,
    metric: str | None = None,
    say: Say = lambda line: None,
) -> Evidence:
    """Return the evidence of a board, from the predictions of the records that count.

    Systems are compared by `metric`, on the datasets whose kind has it. By default, they are
    compared by the main metric of each dataset.
    """
    by = {
        name: metric or dataset.main_metric
        for name, dataset in board.wholes.items()
        if metric in (None, *(known.name for known in metrics_of(dataset.kind)))
    }
    frequent = {FREQUENT[name] for name in by.values() if name in FREQUENT}
    runs = score_board(store, board, records, {*by.values(), *frequent})
    return evidence_from_runs(board, records, runs, by, say)


def compute_values(store: Store, board: Board, records: Records) -> Evidence:
    """Return the values of every run without intervals and tests, which take longer."""
    runs = score_board(store, board, records, ())
    datasets = {
        name: without_tests(_scored(board, records, runs, dataset.main_metric, name))
        for name, dataset in board.wholes.items()
    }
    return Evidence("", datasets, runs.values, runs.unread)


def evidence_from_runs(
    board: Board,
    records: Records,
    runs: ScoredRuns,
    by: Mapping[str, str],
    say: Say = lambda line: None,
) -> Evidence:
    """Return the evidence of scored runs; `by` maps each dataset to the metric to compare by."""
    scored = {name: _scored(board, records, runs, by[name], name) for name in sorted(by)}
    systems = sum(len(compared.systems) for compared in scored.values())
    pairs = sum(len(compared.pairs) for compared in scored.values())
    if pairs:
        counted = f"{pairs} pair" + ("s" if pairs > 1 else "")
        say(f"Computing intervals and tests: {systems} systems, {counted} ...")
    datasets = {
        name: replace(
            dataset_evidence(compared, board.baseline_methods),
            learning=learning_evidence(
                board, name, compared, partial(_scored, board, records, runs, by[name])
            ),
        )
        for name, compared in scored.items()
    }
    return Evidence(inputs_of(board, records), datasets, runs.values, runs.unread)


def _scored(
    board: Board, records: Records, runs: ScoredRuns, metric: str, dataset: str
) -> ScoredSystems:
    ranked, _ = systems_on(board, dataset, records, runs.values, metric)
    cells = {entry.id for entry in board.cells_of(dataset)}
    of_dataset = {cell: run for cell, run in runs.runs.items() if cell in cells}
    kind, fingerprint = board.datasets[dataset].kind, board.datasets[dataset].fingerprint
    corpus = runs.corpora.get(fingerprint)
    labels = corpus.labels.columns if corpus else ()
    scored = scored_systems(kind, metric, labels, ranked, of_dataset)
    return replace(
        scored,
        lower_is_better=board.lower_is_better(metric),
        limits=board.limits(metric),
        seed_free=board.seed_free_methods,
    )


def evidence_by(
    store: Store, board: Board, records: Records, metric: str | None, say: Say = lambda line: None
) -> Evidence:
    """Return the evidence of a board by any of its metrics; None is each dataset's main metric.

    The evidence by a plugin's metric is frozen in the board. Raises UnknownName where no system
    has the metric.
    """
    if metric is None:
        return load_or_compute(store, board, records, say)
    if metric in (known.name for known in METRICS):
        evidence = compute_evidence(store, board, records, metric=metric, say=say)
        names = {name for run in evidence.values.values() for name in run["test"]}
    else:
        evidence = _frozen_evidence(board, load_or_compute(store, board, records, say), metric)
        names = {name for run in board.values.values() for name in run}
    if metric not in names:
        known = {name for run in evidence.values.values() for name in run["test"]}
        raise UnknownName(
            f"No system on board '{board.name}' has a metric '{metric}'"
            f"{did_you_mean(metric, known | {column.name for column in board.plugin_metrics})}"
        )
    return evidence


def _frozen_evidence(board: Board, evidence: Evidence, metric: str) -> Evidence:
    """Return the frozen evidence by a plugin's metric; a plain number has no tests."""
    if metric in board.plugin_evidence:
        frozen = board.plugin_evidence[metric]
        return replace(frozen, values=evidence.values, unread=evidence.unread)
    kinds = {
        kind for column in board.plugin_metrics if column.name == metric for kind in column.kinds
    }
    datasets = {
        name: replace(dataset, metric=metric, systems=(), pairs=(), baseline=None)
        for name, dataset in evidence.datasets.items()
        if board.datasets[name].kind in kinds
    }
    return replace(evidence, datasets=datasets)

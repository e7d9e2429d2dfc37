"""What a board takes from plugins: published scores and the results of their metrics.

These are frozen when a run ends, so that reading a board needs no plugin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from benchbench.catalog import Catalog
from benchbench.contract import (
    AdditiveMetric,
    Baseline,
    Method,
    Metric,
    MetricFunction,
    Parameter,
    Reference,
    ScoredSplit,
    is_storable,
)
from benchbench.evaluation import METRICS
from benchbench.evidence.board import (
    Board,
    BoardDataset,
    MetricColumn,
    PublishedScore,
    records_on,
)
from benchbench.evidence.compute import Records, evidence_from_runs
from benchbench.evidence.runs import ScoredRuns, score_board
from benchbench.evidence.values import DatasetEvidence, Evidence
from benchbench.machine import one_line, read_as
from benchbench.records import Store

Warn = Callable[[str], None]


def with_plugin_results(
    board: Board, catalog: Catalog, store: Store, warn: Warn, *, tests: bool = True
) -> Board:
    """Return the board with published scores and with the results of plugins' metrics.

    Without `tests`, metrics get their values and no intervals and tests, which take longer.
    """
    references = {entry.cell.dataset.name: entry.cell.dataset for entry in board.cells}
    datasets: dict[str, BoardDataset] = {}
    for name, dataset in board.datasets.items():
        declared = catalog.parameters("dataset", references[name].use)
        published = comparable(catalog, references[name]) if name in board.wholes else ()
        scores = tuple(_score(baseline, declared) for baseline in published)
        datasets[name] = replace(dataset, baselines=scores)
    board = replace(
        board,
        datasets=datasets,
        baseline_methods=_methods(board, catalog, _needs_no_causal_lm),
        seed_free_methods=_methods(board, catalog, lambda method: not method.seeded),
    )
    if not catalog.metrics:
        return board
    return with_plugin_metrics(board, catalog.metrics, store, warn, tests=tests)


def with_plugin_metrics(
    board: Board, metrics: Iterable[Metric], store: Store, warn: Warn, *, tests: bool = True
) -> Board:
    """Return the board with the values, intervals and tests of these metrics.

    A fault of a metric is a warning, given once: it costs the metric its value or its tests.
    """
    warn = _once(warn)
    metrics = tuple(replace(metric, function=_guarded(metric, warn)) for metric in metrics)
    names = tuple(metric.name for metric in metrics)
    board = replace(board, plugin_metrics=tuple(MetricColumn.of(metric) for metric in metrics))
    records = records_on(store, board)
    mains = {dataset.main_metric for dataset in board.datasets.values()}
    ranking = [metric for metric in METRICS if metric.name in mains]
    runs = score_board(store, board, records, names, ranking, metrics)
    values = {
        cell: {name: run["test"][name] for name in names if name in run["test"]}
        for cell, run in runs.values.items()
    }
    evidence: dict[str, Evidence] = {}
    for metric in metrics if tests else ():
        if any(metric.name in run.additive for run in runs.runs.values()):
            try:
                evidence[metric.name] = _evidence(board, metric, records, runs)
                read_as(Evidence, evidence[metric.name].to_json())  # refuses what no board can hold
            except Exception as error:
                evidence.pop(metric.name, None)
                warn(f"metric {metric.name!r} has no intervals and tests: {one_line(error)}")
    return replace(board, values=values, plugin_evidence=evidence)


def _once(warn: Warn) -> Warn:
    """Return a function that passes each message on once."""
    messages: set[str] = set()

    def warn_once(message: str) -> None:
        if message not in messages:
            messages.add(message)
            warn(message)

    return warn_once


def _evidence(board: Board, metric: Metric, records: Records, runs: ScoredRuns) -> Evidence:
    """Return the intervals and tests by a metric, on every dataset whose kind has it.

    What does not depend on the metric is left out, because the evidence of the board has it.
    """
    by = {
        name: metric.name for name, dataset in board.wholes.items() if dataset.kind in metric.kinds
    }
    evidence = evidence_from_runs(board, records, runs, by)
    datasets = {name: _essentials(dataset) for name, dataset in evidence.datasets.items()}
    return replace(evidence, inputs="", datasets=datasets, values={}, unread={})


def _essentials(evidence: DatasetEvidence) -> DatasetEvidence:
    systems = tuple(
        replace(system, reliability=(), label_f1=(), confusion=()) for system in evidence.systems
    )
    return replace(evidence, systems=systems)


def _guarded(metric: Metric, warn: Warn) -> MetricFunction:
    """Return the metric's function with a guard: a fault is a warning and gives no value."""

    def function(scored: ScoredSplit) -> AdditiveMetric | float | None:
        try:
            return _checked(metric.function(scored), len(scored.predictions.ids))
        except Exception as error:
            warn(f"metric {metric.name!r}: {one_line(error)}")
            return None

    return function


def _checked(
    result: AdditiveMetric | float | None, documents: int
) -> AdditiveMetric | float | None:
    """Return the result of a plugin's metric; raise ValueError where it cannot be stored."""
    if isinstance(result, AdditiveMetric):
        shape = result.per_document.shape
        if len(shape) != 2 or shape[1] != documents:
            raise ValueError(f"per_document is {list(shape)}, expected [statistics, {documents}]")
        value = result.value()
    else:
        value = 0.0 if result is None else float(result)
    if not is_storable(value):
        raise ValueError(f"its value is {value}")
    return result


def _methods(board: Board, catalog: Catalog, has: Callable[[Method], bool]) -> tuple[str, ...]:
    """Return the names on the board of the methods for which `has` is true."""
    used = {entry.cell.method.name: entry.cell.method.use for entry in board.cells}
    return tuple(name for name, use in sorted(used.items()) if has(catalog.method(use)))


def _needs_no_causal_lm(method: Method) -> bool:
    """Say whether a method needs no causal language model: a baseline that others have to beat."""
    return "causal-lm" not in method.backbone_kinds


def comparable(catalog: Catalog, reference: Reference) -> tuple[Baseline, ...]:
    """Return the published scores that were measured on this dataset with these parameters."""
    declared = catalog.parameters("dataset", reference.use)
    resolved = catalog.resolved("dataset", reference)
    return tuple(
        baseline
        for baseline in catalog.baselines
        if baseline.dataset == reference.use
        and all(resolved.get(name) == value for name, value in baseline.required(declared).items())
    )


def _score(baseline: Baseline, declared: Sequence[Parameter]) -> PublishedScore:
    return PublishedScore(
        baseline.name,
        baseline.metric,
        baseline.value,
        baseline.citation,
        baseline.note,
        baseline.dataset,
        dict(baseline.required(declared)),
    )

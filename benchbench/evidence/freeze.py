"""What a board holds that only plugins can say: published scores, values of their metrics.

It is frozen when a run ends, so that reading a board needs no plugin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from benchbench.catalog import Catalog
from benchbench.contract import Baseline, Metric, Params, Reference
from benchbench.evaluation import plugin_values
from benchbench.evidence.board import Board, records_on
from benchbench.records import Store

Values = dict[str, dict[str, float | None]]


def with_plugin_results(
    board: Board, catalog: Catalog, store: Store, warn: Callable[[str], None]
) -> Board:
    """Return the board with published scores, and with what plugins' metrics give."""
    references = {entry.cell.dataset.name: entry.cell.dataset for entry in board.cells}
    datasets: dict[str, dict[str, Any]] = {}
    for name, facts in board.datasets.items():
        resolved = catalog.resolved("dataset", references[name])
        published = comparable(catalog.baselines, references[name], resolved)
        datasets[name] = {**facts, "baselines": [_plain(baseline) for baseline in published]}
    board = replace(board, datasets=datasets, baseline_methods=_baseline_methods(board, catalog))
    return _measured(board, catalog.metrics, store, warn) if catalog.metrics else board


def _baseline_methods(board: Board, catalog: Catalog) -> tuple[str, ...]:
    """Return the methods that need no causal language model: what the others have to beat."""
    used = {entry.cell.method.name: entry.cell.method.use for entry in board.cells}
    return tuple(
        name
        for name, use in sorted(used.items())
        if "causal-lm" not in catalog.method(use).backbone_kinds
    )


def comparable(
    baselines: Iterable[Baseline], reference: Reference, resolved: Params
) -> tuple[Baseline, ...]:
    """Return the published scores that were measured on this dataset with these parameters."""
    return tuple(
        baseline
        for baseline in baselines
        if baseline.dataset == reference.use
        and all(resolved.get(name) == value for name, value in baseline.params.items())
    )


def _plain(baseline: Baseline) -> dict[str, Any]:
    return {
        "name": baseline.name,
        "metric": baseline.metric,
        "value": baseline.value,
        "citation": baseline.citation,
        "note": baseline.note,
    }


def _measured(
    board: Board, metrics: Iterable[Metric], store: Store, warn: Callable[[str], None]
) -> Board:
    records = records_on(store, board)
    values: Values = {}
    datasets: dict[str, Mapping[str, Any]] = {}
    for name, facts in board.datasets.items():
        runs = [
            (record, store.folder("predictions") / f"{record.predictions}.parquet")
            for entry in board.cells
            if entry.cell.dataset.name == name
            and (record := records[entry.id]) is not None
            and record.status == "ok"
        ]
        labels = facts["labels"] + len(facts["unseen_labels"])
        values |= plugin_values(metrics, facts["kind"], labels, runs, warn)
        chosen = [metric.name for metric in metrics if facts["kind"] in metric.kinds]
        datasets[name] = {**facts, "plugin_metrics": chosen}
    return replace(board, datasets=datasets, values=values)

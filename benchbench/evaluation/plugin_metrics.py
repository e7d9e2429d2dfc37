"""Metrics of plugins, computed from stored predictions when a run ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from benchbench.contract import Kind, Metric, Record
from benchbench.evaluation.thresholds import decide
from benchbench.machine import one_line
from benchbench.records import read_predictions


def plugin_values(
    metrics: Iterable[Metric],
    kind: Kind,
    labels: int,
    runs: Iterable[tuple[Record, Path]],
    warn: Callable[[str], None],
) -> dict[str, dict[str, float | None]]:
    """Return the values on test by cell id and metric.

    `labels` counts the label space, unseen ones included; `runs` are records with the files of
    their predictions. A metric that raises has no value, and `warn` is told.
    """
    chosen = [metric for metric in metrics if kind in metric.kinds]
    values: dict[str, dict[str, float | None]] = {}
    for record, path in runs if chosen else ():
        test = read_predictions(path, labels)["test"]
        decided = decide(kind, test.logits, record.metrics["test"].get("threshold") or 0.0)
        own = values.setdefault(record.id, {})
        for metric in chosen:
            try:
                own[metric.name] = metric.function(kind, test, decided)
            except Exception as error:
                warn(f"metric {metric.name!r}: {one_line(error)}")
                own[metric.name] = None
    return values

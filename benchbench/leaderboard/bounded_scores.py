"""What is not known of systems some of whose scores are bounds, as certified scoring gives them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchbench.evaluation import METRICS, metrics_of
from benchbench.evidence import System
from benchbench.leaderboard.system_tables import Shown


def not_known(shown: Shown, systems: Sequence[System]) -> Iterator[str]:
    """Yield one note per number of exact scores: which systems have so many, and lack what."""
    numbers = {
        record.exact_best
        for system in systems
        for record in system.records
        if record.exact_best is not None
    }
    for best in sorted(numbers):
        named = [
            system.name
            for system in systems
            if any(record.exact_best == best for record in system.records)
        ]
        yield (
            f"{', '.join(named)}: only the best {best} scores of a document are exact. Those of "
            "the labels that were left out are upper bounds (certified scoring). What needs every "
            f"score is not known and stays empty: {', '.join(_titles(shown, best))}."
        )


def _titles(shown: Shown, best: int) -> Iterator[str]:
    """Yield the titles of the metrics of this kind of data that so many labels do not decide."""
    kind = shown.dataset.kind
    for metric in metrics_of(kind, METRICS):
        decided = metric.needs_best is not None and metric.needs_best <= best
        if kind == "multi-label" or not decided:
            yield metric.title

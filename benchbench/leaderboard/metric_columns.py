"""The metrics that a board can show, in the order of their columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from benchbench.evaluation import FAMILIES, METRICS
from benchbench.evidence import Board, MetricColumn


@dataclass(frozen=True, slots=True)
class MetricColumns:
    """The columns of all metrics: those of the harness, then those of plugins."""

    columns: tuple[MetricColumn, ...]
    of_plugins: tuple[MetricColumn, ...] = ()

    @classmethod
    def on(cls, board: Board) -> MetricColumns:
        """Return the columns that a board can show."""
        ours = map(MetricColumn.of, METRICS)
        return cls((*ours, *board.plugin_metrics), board.plugin_metrics)

    def title(self, name: str) -> str:
        """Return the title of a metric; an unknown metric keeps its name."""
        return next((column.title for column in self.columns if column.name == name), name)

    def by_family(self, names: Iterable[str]) -> Iterator[tuple[str, str, list[MetricColumn]]]:
        """Yield (key, title, columns) of every table that has any of the metrics `names`."""
        shown = [column for column in self.columns if column.name in set(names)]
        families = dict.fromkeys((*FAMILIES, *(column.family for column in shown)))
        for family in families:
            columns = [column for column in shown if column.family == family]
            if columns:
                yield family, FAMILIES.get(family, family), columns

"""Systems: all seeds of one method on one backbone on one dataset, as a board knows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from benchbench.contract import Params, Record, Split
from benchbench.evidence.board import Board, BoardCell
from benchbench.evidence.values import Values


@dataclass(frozen=True, slots=True)
class Search:
    """How a system came by its parameters: so many tries, the best on validation, their cost."""

    tries: int
    chosen: Params
    fit_seconds: float


@dataclass(frozen=True, slots=True)
class System:
    """All seeds of one method on one backbone on one dataset.

    `records` are those of its cells that have a result, `runs` what their predictions give, in
    the same order.
    """

    method: str
    backbone: str
    cells: tuple[BoardCell, ...]
    records: tuple[Record, ...]
    runs: tuple[Values, ...]
    search: Search | None = None

    @property
    def name(self) -> str:
        """Name the system for people."""
        return f"{self.method} · {self.backbone}" if self.backbone else self.method

    @property
    def complete(self) -> bool:
        """Say whether every seed that was asked for has a result."""
        return len(self.records) == len(self.cells)

    def mean(self, metric: str, split: Split = "test") -> float | None:
        """Return the mean of a split's metric over the seeds, None where it has no value."""
        values = self.values(metric, split)
        return fmean(values) if values else None

    def values(self, metric: str, split: Split = "test") -> list[float]:
        """Return a split's metric for every seed that has a value."""
        return [run[split][metric] for run in self.runs if metric in run[split]]


def systems_on(
    board: Board,
    dataset: str,
    records: Mapping[str, Record | None],
    values: Mapping[str, Values],
    metric: str | None = None,
) -> tuple[list[System], list[System]]:
    """Return (the complete systems of a dataset, best first; those that lack some seed).

    `values` maps a cell id to what the predictions of its record give. The order is that of the
    mean of `metric` on test, by default the main metric, equals by their names. Of what was
    searched, the try with the best validation stands for its system.
    """
    main = board.datasets[dataset].main_metric
    metric = metric or main
    grouped: dict[tuple[str, str], list[BoardCell]] = {}
    for entry in board.cells_of(dataset):
        backbone = entry.cell.backbone.name if entry.cell.backbone else ""
        grouped.setdefault((entry.cell.method.name, backbone), []).append(entry)
    systems = [
        _best_try(_tries(method, backbone, group, records, values), main)
        for (method, backbone), group in grouped.items()
    ]
    ranked = sorted(
        (system for system in systems if system.complete),
        key=lambda system: (-(system.mean(metric) or 0.0), system.method, system.backbone),
    )
    return ranked, [system for system in systems if not system.complete]


def _tries(
    method: str,
    backbone: str,
    cells: Iterable[BoardCell],
    records: Mapping[str, Record | None],
    values: Mapping[str, Values],
) -> list[System]:
    """Return one system per combination of what was searched; one where nothing was."""
    grouped: dict[str, list[BoardCell]] = {}
    for entry in cells:
        grouped.setdefault(str(sorted(entry.tried.items())), []).append(entry)
    tries = []
    for _, group in sorted(grouped.items()):
        results = tuple(
            (record, values[entry.id])
            for entry in group
            if (record := records.get(entry.id)) and record.status == "ok" and entry.id in values
        )
        good, runs = tuple(record for record, _ in results), tuple(run for _, run in results)
        tries.append(System(method, backbone, tuple(group), good, runs))
    return tries


def _best_try(tries: Sequence[System], main: str) -> System:
    """Return the try with the best mean of the main metric on validation; test has no say.

    Tries that lack a seed lose against those that do not; of equal ones the first counts.
    """
    if len(tries) == 1:
        return tries[0]
    best = max(tries, key=lambda system: (system.complete, system.mean(main, "validation") or 0.0))
    seconds = [record.cost.get("fit_seconds") or 0.0 for each in tries for record in each.records]
    return replace(best, search=Search(len(tries), best.cells[0].tried, sum(seconds)))

"""Systems: all seeds of one method on one backbone on one dataset, as a board knows them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from benchbench.contract import Params, Record, Split
from benchbench.evidence.board import Board, BoardCell
from benchbench.evidence.values import Values


@dataclass(frozen=True, slots=True)
class Search:
    """A search for parameters: its tries, the choice on validation, and their training time.

    `incomplete` counts the tries that lack the result of a seed; any complete try beats them.
    """

    tries: int
    chosen: Params
    fit_seconds: float
    incomplete: int = 0


@dataclass(frozen=True, slots=True)
class System:
    """All seeds of one method on one backbone on one dataset.

    `records` has the records of the cells that have a result, and `runs` their values, in the same
    order.
    """

    method: str
    backbone: str
    cells: tuple[BoardCell, ...]
    records: tuple[Record, ...]
    runs: tuple[Values, ...]
    search: Search | None = None

    @property
    def name(self) -> str:
        """The name of the system for people."""
        return f"{self.method} · {self.backbone}" if self.backbone else self.method

    @property
    def complete(self) -> bool:
        """Say whether every seed that was asked for has a result."""
        return len(self.records) == len(self.cells)

    def mean(self, metric: str, split: Split = "test") -> float | None:
        """Return the mean of a split's metric over the seeds; None where it has no value."""
        values = self.values(metric, split)
        return fmean(values) if values else None

    def goodness(self, metric: str, lower_is_better: bool, split: Split = "test") -> float:
        """Return a number that is higher for a better mean; a missing value is the worst."""
        mean = self.mean(metric, split)
        if mean is None:
            return -math.inf
        return -mean if lower_is_better else mean

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
    """Return the complete systems of a dataset, best first, and those that lack a seed.

    `values` maps a cell id to the values of its run. Systems are ordered by the mean of `metric`
    on test, which is by default the main metric; equal systems are ordered by name. After a
    search, the try with the best score on validation is the system.
    """
    main = board.datasets[dataset].main_metric
    metric = metric or main
    lower, lower_main = board.lower_is_better(metric), board.lower_is_better(main)
    grouped: dict[tuple[str, str], list[BoardCell]] = {}
    for entry in board.cells_of(dataset):
        backbone = entry.cell.backbone.name if entry.cell.backbone else ""
        grouped.setdefault((entry.cell.method.name, backbone), []).append(entry)
    systems = [
        _best_try(_tries(method, backbone, group, records, values), main, lower_main)
        for (method, backbone), group in grouped.items()
    ]
    ranked = sorted(
        (system for system in systems if system.complete),
        key=lambda system: (-system.goodness(metric, lower), system.method, system.backbone),
    )
    return ranked, [system for system in systems if not system.complete]


def _tries(
    method: str,
    backbone: str,
    cells: Iterable[BoardCell],
    records: Mapping[str, Record | None],
    values: Mapping[str, Values],
) -> list[System]:
    """Return one system per combination of searched parameters; without a search, just one."""
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


def _best_try(tries: Sequence[System], main: str, lower: bool) -> System:
    """Return the try with the best mean of the main metric on validation; test is not used.

    A try that lacks a seed is worse than any complete try. Of equal tries, the first is taken.
    Where no try has a result, none is the best: the system has no search then.
    """
    if len(tries) == 1:
        return tries[0]
    best = max(
        tries, key=lambda system: (system.complete, system.goodness(main, lower, "validation"))
    )
    if best.mean(main, "validation") is None:
        return best
    records = [record for system in tries for record in system.records]
    seconds = [record.cost.get("fit_seconds") or 0.0 for record in records]
    incomplete = sum(not system.complete for system in tries)
    search = Search(len(tries), best.cells[0].tried, sum(seconds), incomplete)
    return replace(best, search=search)

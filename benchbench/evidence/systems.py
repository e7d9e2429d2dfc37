"""Systems: all seeds of one method on one backbone on one dataset, as a board knows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from benchbench.contract import Params, Record, Split
from benchbench.evidence.board import Board, BoardCell


@dataclass(frozen=True, slots=True)
class Search:
    """How a system came by its parameters: so many tries, the best on validation, their cost."""

    tries: int
    chosen: Params
    fit_seconds: float


@dataclass(frozen=True, slots=True)
class System:
    """All seeds of one method on one backbone on one dataset."""

    method: str
    backbone: str
    cells: tuple[BoardCell, ...]
    records: tuple[Record, ...]
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
        found = [record.metrics[split].get(metric) for record in self.records]
        return [value for value in found if value is not None]


def systems_on(
    board: Board, dataset: str, records: Mapping[str, Record | None]
) -> tuple[list[System], list[System]]:
    """Return (the complete systems of a dataset, best first; those that lack some seed).

    The order is that of the main metric's mean on test, equals by their names. Of what was
    searched, the try with the best validation stands for its system.
    """
    main = board.datasets[dataset]["main_metric"]
    grouped: dict[tuple[str, str], list[BoardCell]] = {}
    for entry in cells_of(board, dataset):
        backbone = entry.cell.backbone.name if entry.cell.backbone else ""
        grouped.setdefault((entry.cell.method.name, backbone), []).append(entry)
    systems = [
        _best_try(_tries(method, backbone, group, records), main)
        for (method, backbone), group in grouped.items()
    ]
    ranked = sorted(
        (system for system in systems if system.complete),
        key=lambda system: (-(system.mean(main) or 0.0), system.method, system.backbone),
    )
    return ranked, [system for system in systems if not system.complete]


def cells_of(board: Board, dataset: str) -> list[BoardCell]:
    """Return the cells of one dataset of a board."""
    return [entry for entry in board.cells if entry.cell.dataset.name == dataset]


def _tries(
    method: str,
    backbone: str,
    cells: Iterable[BoardCell],
    records: Mapping[str, Record | None],
) -> list[System]:
    """Return a system a combination of what was searched; one where nothing was."""
    grouped: dict[str, list[BoardCell]] = {}
    for entry in cells:
        grouped.setdefault(str(sorted(entry.tried.items())), []).append(entry)
    tries = []
    for _, group in sorted(grouped.items()):
        found = [records.get(entry.id) for entry in group]
        good = tuple(record for record in found if record and record.status == "ok")
        tries.append(System(method, backbone, tuple(group), good))
    return tries


def _best_try(tries: Sequence[System], main: str) -> System:
    """Return the try with the best mean of the main metric on validation; test has no say.

    Tries that lack a seed lose against those that do not; of equal ones the first counts.
    """
    if len(tries) == 1:
        return tries[0]
    best = max(tries, key=lambda one: (one.complete, one.mean(main, "validation") or 0.0))
    spent = [record.cost.get("fit_seconds") or 0.0 for one in tries for record in one.records]
    return replace(best, search=Search(len(tries), best.cells[0].tried, sum(spent)))

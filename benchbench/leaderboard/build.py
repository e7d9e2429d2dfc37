"""From a frozen board, its records and its evidence to tables: the same in gives the same out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from benchbench.contract import Json, Record
from benchbench.evidence import (
    Board,
    BoardCell,
    DatasetEvidence,
    Evidence,
    System,
    cells_of,
    systems_on,
)
from benchbench.leaderboard import notes
from benchbench.leaderboard.pair_tables import differences, mcnemar, pairs
from benchbench.leaderboard.system_tables import further_tables, ranking
from benchbench.leaderboard.tables import Table
from benchbench.leaderboard.titles import title_of


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """What a run reported while it learned: each point has "step", and "loss" or others."""

    system: str
    seed: int
    points: tuple[Mapping[str, float], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """The tables of one dataset, the ranking first, and what else there is to say of it."""

    title: str
    metric_title: str
    tables: tuple[Table, ...]
    failures: tuple[str, ...]
    notes: tuple[str, ...]
    evidence: DatasetEvidence | None = None
    curves: tuple[LearningCurve, ...] = ()

    @property
    def ranking(self) -> Table:
        """Return the table that ranks."""
        return self.tables[0]


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """A table model, ready to be rendered."""

    title: str
    sections: tuple[Section, ...]
    notes: tuple[str, ...]
    note: str = ""


def build_leaderboard(
    board: Board, records: Mapping[str, Record | None], evidence: Evidence | None = None
) -> Leaderboard:
    """Return the leaderboard of a board. `records` maps a cell id to the record that counts."""
    records = {cell: _with_values(record, board.values) for cell, record in records.items()}
    sections = tuple(
        _section(board, name, records, evidence.datasets.get(name) if evidence else None)
        for name in sorted(board.datasets)
    )
    return Leaderboard(board.title, sections, notes.of_board(board, records, evidence), board.note)


def _section(
    board: Board,
    name: str,
    records: Mapping[str, Record | None],
    evidence: DatasetEvidence | None,
) -> Section:
    facts, cells = board.datasets[name], cells_of(board, name)
    ranked, incomplete = systems_on(board, name, records)
    partial = [system for system in incomplete if system.records]
    tables = [ranking(facts, ranked, partial, evidence)]
    tables += further_tables(facts, ranked, partial)
    if evidence is not None and len(evidence.systems) > 1:
        tables += [differences(evidence), mcnemar(evidence), pairs(evidence)]
    return Section(
        name,
        title_of(facts["main_metric"]),
        tuple(tables),
        _failures(cells, records),
        notes.of_dataset(facts, cells, records, [*ranked, *incomplete], evidence),
        evidence,
        tuple(_curves([*ranked, *partial])),
    )


def _with_values(
    record: Record | None, values: Mapping[str, Mapping[str, float | None]]
) -> Record | None:
    """Return a record with the values of plugins' metrics that the board froze for its cell."""
    if record is None or record.status != "ok" or record.id not in values:
        return record
    test = {**record.metrics["test"], **values[record.id]}
    return replace(record, metrics={**record.metrics, "test": test})


def _failures(cells: Iterable[BoardCell], records: Mapping[str, Record | None]) -> tuple[str, ...]:
    lines = []
    for entry in cells:
        record = records.get(entry.id)
        if record is None:
            lines.append(f"{entry.cell.title}: not run")
        elif record.status != "ok":
            lines.append(f"{entry.cell.title}: {record.status}: {record.reason}")
    return tuple(lines)


def _curves(systems: Iterable[System]) -> Iterable[LearningCurve]:
    for system in systems:
        for record in system.records:
            points = tuple(point for point in record.curve if _is_point(point))
            if any("loss" in point for point in points):  # else it tried settings, and learned not
                yield LearningCurve(system.name, record.cell.seed, points)


def _is_point(point: Json) -> bool:
    """Say whether a point is names and numbers: a record may hold anything."""
    return isinstance(point, dict) and all(isinstance(v, int | float) for v in point.values())

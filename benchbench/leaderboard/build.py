"""From a board, its records and its evidence to a leaderboard. Equal input gives equal tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from benchbench.contract import BenchbenchError, Json, Record, titles_of
from benchbench.evidence import (
    Board,
    BoardCell,
    DatasetEvidence,
    Evidence,
    System,
    Values,
    systems_on,
)
from benchbench.leaderboard import notes
from benchbench.leaderboard.confusion_table import confusions
from benchbench.leaderboard.learning_tables import learning_tables
from benchbench.leaderboard.metric_columns import MetricColumns
from benchbench.leaderboard.pair_tables import differences, mcnemar, pairs
from benchbench.leaderboard.system_tables import Shown, further_tables, ranking
from benchbench.leaderboard.tables import Table
from benchbench.leaderboard.training_table import training_table
from benchbench.leaderboard.verdict import verdict


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """What a run reported during training: each point has "step" and values such as "loss"."""

    system: str
    seed: int
    points: tuple[Mapping[str, float], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """The tables of one dataset, the ranking first, with its failures, notes and curves."""

    title: str
    metric_title: str
    tables: tuple[Table, ...]
    failures: tuple[str, ...]
    notes: tuple[str, ...]
    evidence: DatasetEvidence | None = None
    curves: tuple[LearningCurve, ...] = ()
    lower_is_better: bool = False
    """Whether lower values of the metric that ranks are better."""
    verdict: tuple[str, ...] = ()
    """The verdict in sentences; empty where no system has evidence."""
    mistakes: tuple[Table, ...] = ()
    """What the first system gets wrong; empty where nobody has looked at its predictions."""

    @property
    def ranking(self) -> Table:
        """The table that ranks the systems."""
        return self.tables[0]


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """The tables and notes made of a board, ready to be rendered."""

    title: str
    sections: tuple[Section, ...]
    notes: tuple[str, ...]
    note: str = ""

    def tables(self, key: str) -> list[tuple[str, Table]]:
        """Return the table `key` of every dataset that has it, by the dataset's title.

        Raises BenchbenchError where no dataset has such a table.
        """
        pairs = [(section.title, table) for section in self.sections for table in section.tables]
        found = [(title, table) for title, table in pairs if table.key == key]
        if not found:
            known = ", ".join(dict.fromkeys(table.key for _, table in pairs)) or "none"
            raise BenchbenchError(f"--table {key}: no such table. Available: {known}.")
        return found


def build_leaderboard(
    board: Board,
    records: Mapping[str, Record | None],
    evidence: Evidence,
    price_per_hour: float | None = None,
) -> Leaderboard:
    """Return the leaderboard of a board, ranked by the metric of its evidence.

    `records` maps the id of a cell to the record that counts. With a price per hour of the machine,
    costs are told in money, too.
    """
    metrics = MetricColumns.on(board)
    values = _with_plugin_values(evidence.values, board.values)
    sections = tuple(
        _section(board, name, records, replace(evidence, values=values), metrics, price_per_hour)
        for name in sorted(evidence.datasets)
    )
    return Leaderboard(board.title, sections, notes.of_board(board, records, evidence), board.note)


def _section(
    board: Board,
    name: str,
    records: Mapping[str, Record | None],
    evidence: Evidence,
    metrics: MetricColumns,
    price: float | None,
) -> Section:
    dataset, compared = board.datasets[name], evidence.datasets[name]
    ranked, incomplete = systems_on(board, name, records, evidence.values, compared.metric)
    partial = tuple(system for system in incomplete if system.records)
    shown = Shown(dataset, compared, metrics, tuple(ranked), partial, price)
    title = metrics.title(compared.metric)
    tables = [ranking(shown), *further_tables(shown)]
    if training := training_table(shown):
        tables.append(training)
    tables += learning_tables(shown)
    if len(compared.systems) > 1:
        tables += [differences(compared, title), mcnemar(compared), pairs(compared)]
    if confused := confusions(compared):
        tables.append(confused)
    return Section(
        name,
        title,
        tuple(tables),
        _failures(
            [entry for part in (name, *board.parts_of(name)) for entry in board.cells_of(part)],
            records,
            evidence.unread,
        ),
        notes.of_dataset(shown, [*ranked, *incomplete]),
        compared if compared.systems else None,
        tuple(_curves([*ranked, *partial])),
        shown.lower_is_better,
        verdict(shown),
    )


def _with_plugin_values(
    values: Mapping[str, Values], of_plugins: Mapping[str, Mapping[str, float]]
) -> dict[str, Values]:
    """Return the values of every run, with the values of plugins' metrics frozen in the board."""
    return {
        cell: {**run, "test": {**run["test"], **of_plugins.get(cell, {})}}
        for cell, run in values.items()
    }


def _failures(
    cells: Iterable[BoardCell], records: Mapping[str, Record | None], unread: Mapping[str, str]
) -> tuple[str, ...]:
    lines = []
    cells = list(cells)
    titles = titles_of(entry.cell for entry in cells)
    for entry in cells:
        record, title = records.get(entry.id), titles[entry.cell]
        if record is None:
            lines.append(f"{title}: not run")
        elif record.status != "ok":
            lines.append(f"{title}: {record.status}: {record.reason}")
        elif entry.id in unread:
            lines.append(f"{title}: not shown: {unread[entry.id]}")
    return tuple(lines)


def _curves(systems: Iterable[System]) -> Iterable[LearningCurve]:
    for system in systems:
        for record in system.records:
            points = tuple(point for point in record.curve if _is_point(point))
            if any("loss" in point for point in points):  # without a loss, nothing was trained
                yield LearningCurve(system.name, record.cell.seed, points)


def _is_point(point: Json) -> bool:
    """Say whether a point has names and numbers only: a record may have any content."""
    return isinstance(point, dict) and all(isinstance(v, int | float) for v in point.values())

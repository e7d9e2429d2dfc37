"""What the report shows of every dataset: tables with pictures in their rows, and charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchbench.evidence import DatasetEvidence
from benchbench.leaderboard import LearningCurve, Section, Table
from benchbench.render.charts.heat_map import HeatMap, confusions, label_f1
from benchbench.render.charts.interval_bar import interval_bar, interval_scale
from benchbench.render.charts.learning_curve import learning_curve
from benchbench.render.charts.picture import Picture
from benchbench.render.charts.reliability import reliability
from benchbench.render.charts.scatter import Scatter, scatters
from benchbench.render.charts.share_curve import share_curves
from benchbench.render.report.pairs import difference_table, pair_table
from benchbench.render.table_reader import TableReader

LEARNING_TABLES = ("doubling", "learning")
"""Tables that have a part of their own, beside pictures."""
OTHER_TABLES = ("ranking", "differences", "pairs", "mcnemar", "confusions", *LEARNING_TABLES)
"""Tables that are not among the further metrics; the report makes its own tables of pairs."""


@dataclass(frozen=True, slots=True)
class Bars:
    """One picture per row of a table, in the cells of one column."""

    column: int
    pictures: tuple[Picture | None, ...]


@dataclass(frozen=True, slots=True)
class IllustratedTable:
    """A table and the pictures in its rows."""

    table: Table
    bars: Bars | None = None


@dataclass(frozen=True, slots=True)
class Chapter:
    """All that the report shows of one dataset."""

    section: Section
    lead: str
    ranking: IllustratedTable
    further: tuple[IllustratedTable, ...]
    scatters: tuple[Scatter, ...]
    reliability: tuple[Picture, ...]
    uncalibrated: tuple[str, ...]
    label_f1: HeatMap | None
    confusions: tuple[HeatMap, ...]
    mistakes: tuple[IllustratedTable, ...]
    differences: tuple[IllustratedTable, ...]
    curves: tuple[Picture, ...]
    learning: tuple[IllustratedTable, ...]
    share_curves: tuple[Picture, ...]


def chapter(section: Section) -> Chapter:
    """Return the tables and charts of a dataset; without evidence there are fewer of them."""
    evidence = section.evidence
    metric = evidence.metric if evidence else _metric_of(section)
    systems = evidence.systems if evidence else ()
    heat_maps = [confusions(evidence, system) for system in systems] if evidence else []
    further = (table for table in section.tables if table.key not in OTHER_TABLES)
    return Chapter(
        section,
        " ".join(section.verdict),
        IllustratedTable(section.ranking, _ranking_bars(section.ranking, evidence)),
        tuple(IllustratedTable(table) for table in further),
        scatters(
            section.ranking,
            metric,
            section.metric_title,
            lower_is_better=section.lower_is_better,
        ),
        tuple(reliability(system) for system in systems if system.reliability),
        tuple(system.name for system in systems if not system.reliability),
        label_f1(evidence) if evidence else None,
        tuple(heat_map for heat_map in heat_maps if heat_map),
        tuple(IllustratedTable(table) for table in section.mistakes),
        _differences(evidence),
        _curves(section.curves),
        tuple(IllustratedTable(it) for it in section.tables if it.key in LEARNING_TABLES),
        share_curves(evidence.learning if evidence else (), section.metric_title),
    )


def _metric_of(section: Section) -> str:
    """Return the key of the column whose title is that of the section's metric."""
    keys = (
        column.keys[0] for column in section.ranking.columns if column.title == section.metric_title
    )
    return next(keys, "")


def _ranking_bars(table: Table, evidence: DatasetEvidence | None) -> Bars | None:
    """Return the intervals of all ranked systems, None where the table has none."""
    reader = TableReader(table)
    column = reader.column("low")
    if evidence is None or not evidence.systems or column is None:
        return None
    scale = interval_scale(system.shown for system in evidence.systems)
    best = evidence.systems[0].shown.value
    bars = {
        (system.method, system.backbone): interval_bar(system.name, system.shown, scale, best)
        for system in evidence.systems
    }
    pictures = (bars.get(reader.system(row)) if row.place else None for row in table.rows)
    return Bars(column, tuple(pictures))


def _differences(evidence: DatasetEvidence | None) -> tuple[IllustratedTable, ...]:
    """Return the differences to the baseline, and all pairs."""
    if evidence is None or len(evidence.systems) < 2:
        return ()
    table, pictures = difference_table(evidence)
    bars = Bars(TableReader(table).column("low") or 0, pictures)
    return IllustratedTable(table, bars), IllustratedTable(pair_table(evidence))


def _curves(curves: Sequence[LearningCurve]) -> tuple[Picture, ...]:
    """Return one picture per system that reported losses."""
    by_system: dict[str, list[LearningCurve]] = {}
    for curve in curves:
        by_system.setdefault(curve.system, []).append(curve)
    pictures = (learning_curve(system, runs) for system, runs in by_system.items())
    return tuple(picture for picture in pictures if picture)

"""A leaderboard as one HTML file that needs nothing else: no network, no server, no library.

Names are data. The template escapes whatever it writes, and `_shown` makes hidden characters
visible first; styles and script are files of this package, and the policy in the head of the
page lets a browser use those two by their digests and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import count
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from benchbench.evidence import DatasetEvidence
from benchbench.leaderboard import Leaderboard, LearningCurve, Section, Table
from benchbench.render.characters import visible
from benchbench.render.charts import (
    interval_bar,
    interval_scale,
    learning_curve,
    legend,
    reliability,
)
from benchbench.render.heat import Heat, confusions, label_f1
from benchbench.render.pairs import difference_table, pair_table
from benchbench.render.picture import Picture
from benchbench.render.rows import Reading
from benchbench.render.scatter import Scatter, scatters

FIRST_PICTURES = 12
"""So many small pictures of one kind are in sight; the others fold out."""
OTHER_TABLES = ("ranking", "differences", "pairs", "mcnemar")
"""Tables that do not stand among the further metrics; the report makes its own of pairs."""
FRONT_KEY = legend(
    [("circle", "best", "on the Pareto front"), ("circle", "other", "beaten by another system")]
)
CURVE_KEY = legend(
    [("line", "curve train", "training"), ("line", "curve validation", "validation")]
)


@dataclass(frozen=True, slots=True)
class Bars:
    """Pictures in the rows of a table, in the cells of one column."""

    column: int
    pictures: tuple[Picture | None, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table and the pictures in its rows."""

    table: Table
    bars: Bars | None = None


@dataclass(frozen=True, slots=True)
class Chapter:
    """All that the report shows of one dataset."""

    section: Section
    lead: str
    ranking: Grid
    further: tuple[Grid, ...]
    scatters: tuple[Scatter, ...]
    reliability: tuple[Picture, ...]
    uncalibrated: tuple[str, ...]
    label_f1: Heat | None
    confusions: tuple[Heat, ...]
    differences: tuple[Grid, ...]
    curves: tuple[Picture, ...]


def render(board: Leaderboard) -> str:
    """Return the leaderboard as an HTML file, the same bytes for the same board."""
    style, script = _resource("report.css"), _resource("report.js")
    policy = (
        f"default-src 'none'; style-src '{digest(style)}'; script-src '{digest(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return _environment().get_template("report.html.jinja").render(
        board=board,
        chapters=[_chapter(section) for section in board.sections],
        policy=policy,
        style=Markup(style),
        script=Markup(script),
        new_number=count(1).__next__,
        first_pictures=FIRST_PICTURES,
        front_key=FRONT_KEY,
        curve_key=CURVE_KEY,
    )  # fmt: skip


def digest(text: str) -> str:
    """Return the digest by which a content security policy lets one inline text pass."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("benchbench", "render"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _shown(value: Any) -> Any:
    """Return what the template writes for a value: markup of its own as it is, names visibly."""
    if value is None:
        raise TypeError("the template writes a value that is None")
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _resource(name: str) -> str:
    return files("benchbench.render").joinpath(name).read_text(encoding="utf-8")


def _chapter(section: Section) -> Chapter:
    evidence = section.evidence
    metric = evidence.metric if evidence else _metric_of(section)
    systems = evidence.systems if evidence else ()
    measured = [system for system in systems if system.reliability]
    heats = [confusions(evidence, system) for system in systems] if evidence else []
    return Chapter(
        section,
        _lead(section),
        Grid(section.ranking, _ranking_bars(section.ranking, evidence)),
        tuple(Grid(table) for table in section.tables if table.key not in OTHER_TABLES),
        scatters(section.ranking, metric, section.metric_title),
        tuple(reliability(system) for system in measured),
        tuple(system.name for system in systems if not system.reliability),
        label_f1(evidence) if evidence else None,
        tuple(heat for heat in heats if heat),
        _differences(evidence),
        _curves(section.curves),
    )


def _metric_of(section: Section) -> str:
    """Return the key of the column that is called like the section's metric."""
    titled = (
        column.keys[0] for column in section.ranking.columns if column.title == section.metric_title
    )
    return next(titled, "")


def _lead(section: Section) -> str:
    """Say in a sentence or two who is first, and who is not told apart from it."""
    evidence = section.evidence
    if evidence is None or not evidence.systems:
        return ""
    best = evidence.systems[0]
    ties = [each.name for each in evidence.systems[1:] if set(each.letters) & set(best.letters)]
    lead = (
        f"{best.name} is first with {section.metric_title} {best.value:.3f} "
        f"(95 % interval {best.interval.low:.3f} to {best.interval.high:.3f}, "
        f"{evidence.documents:,} test documents)."
    )
    if len(evidence.systems) == 1:
        return lead
    if not ties:
        return f"{lead} The test tells it apart from every other system."
    return f"{lead} The test does not tell it apart from {_listed(ties)}."


def _listed(names: Sequence[str], most: int = 4) -> str:
    """Return names as they stand in a sentence, the last ones as their number."""
    shown = [*names] if len(names) <= most else [*names[:most], f"{len(names) - most} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _ranking_bars(table: Table, evidence: DatasetEvidence | None) -> Bars | None:
    reading = Reading(table)
    column = reading.column("low")
    if evidence is None or not evidence.systems or column is None:
        return None
    scale = interval_scale(system.interval for system in evidence.systems)
    first = evidence.systems[0].value
    bars = {
        (system.method, system.backbone): interval_bar(
            system.name, system.value, system.interval, scale, first
        )
        for system in evidence.systems
    }
    pictures = (bars.get(reading.system(row)) if row.place else None for row in table.rows)
    return Bars(column, tuple(pictures))


def _differences(evidence: DatasetEvidence | None) -> tuple[Grid, ...]:
    if evidence is None or len(evidence.systems) < 2:
        return ()
    table, pictures = difference_table(evidence)
    bars = Bars(Reading(table).column("low") or 0, pictures)
    return Grid(table, bars), Grid(pair_table(evidence))


def _curves(curves: Sequence[LearningCurve]) -> tuple[Picture, ...]:
    grouped: dict[str, list[LearningCurve]] = {}
    for curve in curves:
        grouped.setdefault(curve.system, []).append(curve)
    drawn = (learning_curve(system, group) for system, group in grouped.items())
    return tuple(picture for picture in drawn if picture)

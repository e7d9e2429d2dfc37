"""Scores against the number of training documents, and the curve that is fitted to them."""

from __future__ import annotations

from collections.abc import Sequence

from benchbench.evidence import ShareScore, SystemLearning
from benchbench.render.charts.axes import LinearScale, LogScale, axes
from benchbench.render.charts.picture import Picture, Point, SvgElement, circle, legend, line, path

SIZE = (250.0, 190.0)
STEPS = 24
"""The pieces that a curve is drawn with."""
AHEAD = 2
"""The curve is drawn to twice the documents: that much is extrapolated."""
KEY = legend(
    [
        ("circle", "dot", "test, with its 95 % interval"),
        ("circle", "other", "validation"),
        ("line", "curve validation", "fitted to validation, up to twice the documents"),
    ]
)


def share_curves(learning: Sequence[SystemLearning], metric_title: str) -> tuple[Picture, ...]:
    """Draw one picture per system; all have the same scales, so that they can be compared."""
    if not learning:
        return ()
    width, height = SIZE
    documents = [score.documents for it in learning for score in it.scores]
    drawn = [value for it in learning for value in _values(it)]
    across = LogScale.over((*documents, AHEAD * max(documents)), 42, width - 8)
    up = LinearScale.over(drawn, height - 38, 20)
    return tuple(_picture(it, across, up, metric_title) for it in learning)


def _values(it: SystemLearning) -> list[float]:
    """Return all values that the picture of a system must have room for."""
    values = [end for score in it.scores for end in _ends(score)]
    values += [score.validation for score in it.scores if score.validation is not None]
    return values + [value for _, value in _fitted(it)]


def _ends(score: ShareScore) -> tuple[float, ...]:
    interval = score.shown.interval
    return (score.shown.value, *((interval.low, interval.high) if interval else ()))


def _fitted(it: SystemLearning) -> list[Point]:
    """Return (documents, score) along the curve of a system, from its smallest share on."""
    if it.law is None:
        return []
    first, last = it.scores[0].documents, AHEAD * it.scores[-1].documents
    counts = [first * (last / first) ** (step / STEPS) for step in range(STEPS + 1)]
    return [(count, it.law(count)) for count in counts]


def _picture(it: SystemLearning, across: LogScale, up: LinearScale, metric_title: str) -> Picture:
    width, height = SIZE
    shapes = axes(across, up, "training documents", metric_title)
    if curve := _fitted(it):
        shapes.append(path([(across(x), up(y)) for x, y in curve], "curve validation"))
    for score in it.scores:
        shapes += _marks(score, across(score.documents), up)
    told = "; ".join(f"{score.documents:,}: {score.value:.3f}" for score in it.scores)
    description = f"{metric_title} on test by the number of training documents: {told}."
    if it.law is not None:
        description += f" Twice as many are expected to add {it.law.gain:+.3f}."
    title = f"{it.name} by the number of training documents"
    return Picture(width, height, title, description, tuple(shapes), it.name)


def _marks(score: ShareScore, x: float, up: LinearScale) -> list[SvgElement]:
    """Return the dots of validation and of test, and the interval of test."""
    shapes: list[SvgElement] = []
    if (interval := score.shown.interval) is not None:
        shapes.append(line((x, up(interval.low)), (x, up(interval.high)), "whisker"))
    if score.validation is not None:
        tooltip = f"{score.documents:,} documents: {score.validation:.3f} on validation"
        shapes.append(circle((x, up(score.validation)), 3, "other", tooltip))
    tooltip = f"{score.documents:,} documents: {score.shown.value:.3f} on test"
    return [*shapes, circle((x, up(score.shown.value)), 3, "dot", tooltip)]

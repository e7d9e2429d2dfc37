"""Learning curves: the losses of a system's runs against the step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from benchbench.leaderboard import LearningCurve
from benchbench.render.charts.axes import LinearScale, axes
from benchbench.render.charts.picture import Picture, Point, SvgElement, circle, path

SIZE = (250.0, 170.0)
SMOOTHED_TO = 40
"""The most points that a line of losses is drawn with; a point is the mean of neighbours."""

Series = Sequence[tuple[float, float]]
"""(step, loss) of a run, in the order of the steps."""


def learning_curve(system: str, curves: Sequence[LearningCurve]) -> Picture | None:
    """Draw the losses of all seeds of a system against the step; None where there are none."""
    trained = [smoothed(_series(curve.points, "loss")) for curve in curves]
    validated = [_series(curve.points, "validation_loss") for curve in curves]
    drawn = [point for series in (*trained, *validated) for point in series]
    if not drawn:
        return None
    width, height = SIZE
    across = LinearScale.over((step for step, _ in drawn), 42, width - 8)
    up = LinearScale.over((loss for _, loss in drawn), height - 38, 20)
    shapes = axes(across, up, "step", "loss")
    for name, runs in (("train", trained), ("validation", validated)):
        for series in runs:
            shapes += _curve([(across(step), up(loss)) for step, loss in series], name)
    description = f"{len(curves)} {'run' if len(curves) == 1 else 'runs'}. "
    description += _course("Training", trained) + _course("Validation", validated)
    title = f"Learning curves of {system}"
    return Picture(width, height, title, description, tuple(shapes), system)


def _series(points: Iterable[Mapping[str, float]], name: str) -> Series:
    return [(point["step"], point[name]) for point in points if name in point]


def smoothed(series: Series) -> Series:
    """Return at most `SMOOTHED_TO` points; each is the mean of as many neighbours."""
    size = -(-len(series) // SMOOTHED_TO) or 1
    groups = [series[start : start + size] for start in range(0, len(series), size)]
    return [
        (sum(step for step, _ in group) / len(group), sum(loss for _, loss in group) / len(group))
        for group in groups
    ]


def _curve(places: Sequence[Point], look: str) -> list[SvgElement]:
    """Return a line, with a dot for each point of a validation: there are few of them."""
    shapes = [path(places, f"curve {look}")] if len(places) > 1 else []
    if look == "validation" or len(places) == 1:
        shapes += [circle(place, 2.4, look) for place in places]
    return shapes


def _course(name: str, runs: Iterable[Series]) -> str:
    """Say in words where the lines begin and end."""
    known = [series for series in runs if series]
    if not known:
        return ""
    first = sum(series[0][1] for series in known) / len(known)
    last = sum(series[-1][1] for series in known) / len(known)
    return f"{name} loss goes from {first:.3g} to {last:.3g}. "

"""The small pictures of a report: intervals, reliability diagrams, learning curves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from benchbench.evidence import Interval, SystemEvidence
from benchbench.leaderboard import LearningCurve
from benchbench.render.axes import LinearScale, axes
from benchbench.render.picture import Picture, Shape, circle, line, path, words

BAR = (132.0, 16.0)
SQUARE = 170.0
CURVE = (250.0, 170.0)
SMOOTHED_TO = 40
"""The points that a line of losses is drawn with; each is the mean of its neighbours."""


def interval_bar(
    title: str, value: float, interval: Interval, scale: LinearScale, mark: float | None = None
) -> Picture:
    """Draw a value as a dot and its interval as a line, with a thin line at `mark`."""
    width, height = BAR
    middle = height / 2
    low, high = scale(interval.low), scale(interval.high)
    shapes = [line((0, middle), (width, middle), "grid")]
    if mark is not None:
        shapes.append(line((scale(mark), 0), (scale(mark), height), "mark"))
    shapes += [
        line((low, middle), (high, middle), "whisker"),
        line((low, middle - 3), (low, middle + 3), "whisker"),
        line((high, middle - 3), (high, middle + 3), "whisker"),
        circle((scale(value), middle), 3.5, "dot"),
    ]
    text = f"{value:.3f}, 95 % interval from {interval.low:.3f} to {interval.high:.3f}."
    return Picture(width, height, title, text, tuple(shapes))


def interval_scale(intervals: Iterable[Interval], *also: float) -> LinearScale:
    """Return the scale that the bars of one column share."""
    values = [end for each in intervals for end in (each.low, each.high)]
    return LinearScale.over([*values, *also], 0, BAR[0])


def reliability(system: SystemEvidence) -> Picture:
    """Draw how often a system was right against how sure it was, a dot for a bin.

    On the diagonal it is as often right as it says; the area of a dot is its share of all
    decisions.
    """
    across, up = LinearScale(0, 1, 32, SQUARE - 8), LinearScale(0, 1, SQUARE - 38, 20)
    total = sum(count for _, _, count in system.reliability)
    places = [(across(sure), up(right)) for sure, right, _ in system.reliability]
    dots = [
        circle(
            place,
            2 + 8 * (count / total) ** 0.5,
            "bin",
            f"confidence {sure:.2f}, right {right:.2f}, {count:,} decisions",
        )
        for place, (sure, right, count) in zip(places, system.reliability, strict=True)
    ]
    shapes = [
        *axes(across, up, "confidence", "share right"),
        line((across(0), up(0)), (across(1), up(1)), "diagonal"),
        path(places, "trail"),
        *dots,
    ]
    gap = calibration_gap(system)
    description = (
        f"{len(dots)} bins of {total:,} decisions. "
        f"Mean distance from the diagonal {gap:.3f}: {_leaning(system)}."
    )
    title, caption = f"Reliability of {system.name}", f"{system.name}, off by {gap:.3f}"
    return Picture(SQUARE, SQUARE, title, description, tuple(shapes), caption)


def calibration_gap(system: SystemEvidence) -> float:
    """Return the mean distance of confidence and share right, weighted by decisions."""
    total = sum(count for _, _, count in system.reliability)
    return sum(abs(right - sure) * count for sure, right, count in system.reliability) / total


def _leaning(system: SystemEvidence) -> str:
    lean = sum((sure - right) * count for sure, right, count in system.reliability)
    if abs(lean) < 0.5 * calibration_gap(system) * sum(each[2] for each in system.reliability):
        return "neither surer nor less sure than it should be, taken together"
    return "surer than it should be" if lean > 0 else "less sure than it should be"


def learning_curve(system: str, curves: Sequence[LearningCurve]) -> Picture | None:
    """Draw the losses of all seeds of a system against the step; None where there are none."""
    trained = [_series(curve.points, "loss") for curve in curves]
    validated = [_series(curve.points, "validation_loss") for curve in curves]
    series = [one for one in (*trained, *validated) if one]
    if not series:
        return None
    trained = [smoothed(one) for one in trained]
    width, height = CURVE
    drawn = [point for one in (*trained, *validated) for point in one]
    across = LinearScale.over((step for step, _ in drawn), 42, width - 8)
    up = LinearScale.over((loss for _, loss in drawn), height - 38, 20)
    shapes = axes(across, up, "step", "loss")
    for one in trained:
        shapes += _curve([(across(step), up(loss)) for step, loss in one], "train")
    for one in validated:
        shapes += _curve([(across(step), up(loss)) for step, loss in one], "validation")
    description = f"{len(curves)} {'run' if len(curves) == 1 else 'runs'}. "
    description += _course("Training", trained) + _course("Validation", validated)
    title = f"Learning curves of {system}"
    return Picture(width, height, title, description, tuple(shapes), system)


def _series(points: Iterable[Mapping[str, float]], name: str) -> list[tuple[float, float]]:
    return [(point["step"], point[name]) for point in points if name in point]


def smoothed(series: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return at most `SMOOTHED_TO` points, each the mean of as many neighbours."""
    size = -(-len(series) // SMOOTHED_TO) or 1
    groups = [series[start : start + size] for start in range(0, len(series), size)]
    return [
        (sum(step for step, _ in group) / len(group), sum(loss for _, loss in group) / len(group))
        for group in groups
    ]


def _curve(places: Sequence[tuple[float, float]], look: str) -> list[Shape]:
    """Return a line, with a dot for each point of a validation: there are few of them."""
    shapes = [path(places, f"curve {look}")] if len(places) > 1 else []
    if look == "validation" or len(places) == 1:
        shapes += [circle(place, 2.4, look) for place in places]
    return shapes


def _course(name: str, series: Iterable[Sequence[tuple[float, float]]]) -> str:
    """Say in words where the lines begin and end."""
    known = [one for one in series if one]
    if not known:
        return ""
    first = sum(one[0][1] for one in known) / len(known)
    last = sum(one[-1][1] for one in known) / len(known)
    return f"{name} loss goes from {first:.3g} to {last:.3g}. "


def legend(entries: Sequence[tuple[str, str, str]]) -> Picture:
    """Draw a key to the looks of a picture: (element, look, meaning) side by side."""
    shapes: list[Shape] = []
    x = 4.0
    for element, look, meaning in entries:
        if element == "line":
            shapes.append(path([(x, 9), (x + 24, 9)], look))
        else:
            shapes.append(circle((x + 12, 9), 4, look))
        shapes.append(words((x + 30, 13), meaning, "key", "start"))
        x += 46 + 6.4 * len(meaning)
    text = "; ".join(meaning for _, _, meaning in entries)
    return Picture(x, 18, "Key", f"The marks stand for: {text}.", tuple(shapes))

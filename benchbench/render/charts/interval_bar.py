"""A value and its interval as a small bar that stands in the row of a table."""

from __future__ import annotations

from collections.abc import Iterable

from benchbench.evidence import IntervalEstimate
from benchbench.render.charts.axes import LinearScale
from benchbench.render.charts.picture import Picture, circle, line

SIZE = (132.0, 16.0)


def interval_bar(
    title: str, estimate: IntervalEstimate, scale: LinearScale, mark: float | None = None
) -> Picture:
    """Draw a value as a dot and its interval, if it has one, as a line; a thin line at `mark`."""
    width, height = SIZE
    middle = height / 2
    shapes = [line((0, middle), (width, middle), "grid")]
    if mark is not None:
        shapes.append(line((scale(mark), 0), (scale(mark), height), "mark"))
    description = f"{estimate.value:.3f}, without an interval."
    if (interval := estimate.interval) is not None:
        low, high = scale(interval.low), scale(interval.high)
        shapes += [
            line((low, middle), (high, middle), "whisker"),
            line((low, middle - 3), (low, middle + 3), "whisker"),
            line((high, middle - 3), (high, middle + 3), "whisker"),
        ]
        description = (
            f"{estimate.value:.3f}, 95 % interval from {interval.low:.3f} to {interval.high:.3f}."
        )
    shapes.append(circle((scale(estimate.value), middle), 3.5, "dot"))
    return Picture(width, height, title, description, tuple(shapes))


def interval_scale(estimates: Iterable[IntervalEstimate], *marks: float) -> LinearScale:
    """Return the scale that the bars of one column share; it holds all intervals and marks."""
    ends = [end for estimate in estimates for end in _ends(estimate)]
    return LinearScale.over([*ends, *marks], 0, SIZE[0])


def _ends(estimate: IntervalEstimate) -> tuple[float, ...]:
    interval = estimate.interval
    return (estimate.value, *((interval.low, interval.high) if interval else ()))

"""A value and its interval as a small bar that stands in the row of a table."""

from __future__ import annotations

from collections.abc import Iterable

from benchbench.evidence import Interval
from benchbench.render.charts.axes import LinearScale
from benchbench.render.charts.picture import Picture, circle, line

SIZE = (132.0, 16.0)


def interval_bar(
    title: str, value: float, interval: Interval, scale: LinearScale, mark: float | None = None
) -> Picture:
    """Draw a value as a dot and its interval as a line, with a thin line at `mark`."""
    width, height = SIZE
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
    description = f"{value:.3f}, 95 % interval from {interval.low:.3f} to {interval.high:.3f}."
    return Picture(width, height, title, description, tuple(shapes))


def interval_scale(intervals: Iterable[Interval], *marks: float) -> LinearScale:
    """Return the scale that the bars of one column share; it holds all intervals and marks."""
    ends = [end for interval in intervals for end in (interval.low, interval.high)]
    return LinearScale.over([*ends, *marks], 0, SIZE[0])

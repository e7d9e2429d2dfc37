"""A picture as data: shapes at their places, and the words for who cannot see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Shape:
    """An SVG element. Names stand in `text` and `tooltip` alone, never in an attribute."""

    element: str
    attributes: Mapping[str, str | float]
    text: str = ""
    tooltip: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """Shapes on a sheet of `width` by `height`; `title` and `description` say what it shows.

    `caption` stands below it where it is one of many.
    """

    width: float
    height: float
    title: str
    description: str
    shapes: tuple[Shape, ...]
    caption: str = ""


def circle(at: Point, radius: float, look: str, tooltip: str = "") -> Shape:
    """Return a dot."""
    x, y = at
    attributes = {"class": look, "cx": _short(x), "cy": _short(y), "r": _short(radius)}
    return Shape("circle", attributes, tooltip=tooltip)


def line(start: Point, end: Point, look: str) -> Shape:
    """Return a straight line."""
    (x1, y1), (x2, y2) = start, end
    ends = {"x1": _short(x1), "y1": _short(y1), "x2": _short(x2), "y2": _short(y2)}
    return Shape("line", {"class": look, **ends})


def path(points: Iterable[Point], look: str, tooltip: str = "") -> Shape:
    """Return a line through all points."""
    through = " ".join(f"{_short(x)},{_short(y)}" for x, y in points)
    return Shape("polyline", {"class": look, "points": through}, tooltip=tooltip)


def words(at: Point, text: str, look: str, anchor: str = "middle") -> Shape:
    """Return text that begins, ends or has its middle at a point."""
    x, y = at
    attributes = {"class": look, "x": _short(x), "y": _short(y), "text-anchor": anchor}
    return Shape("text", attributes, text=text)


def _short(value: float) -> str:
    """Return a coordinate to a tenth of a unit: nobody sees more, and files stay small."""
    return f"{value:.1f}".removesuffix(".0")

"""A picture as data: SVG elements at their places, with a description in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class SvgElement:
    """An SVG element. Names stand in `text` and `tooltip` alone, never in an attribute."""

    element: str
    attributes: Mapping[str, str | float]
    text: str = ""
    tooltip: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """SVG elements on a sheet of `width` by `height`; `title` and `description` tell its content.

    `caption` stands below a picture that is one of many.
    """

    width: float
    height: float
    title: str
    description: str
    shapes: tuple[SvgElement, ...]
    caption: str = ""


def circle(centre: Point, radius: float, look: str, tooltip: str = "") -> SvgElement:
    """Return a dot; `look` is the class by which the style sheet colours it."""
    x, y = centre
    attributes = {"class": look, "cx": _short(x), "cy": _short(y), "r": _short(radius)}
    return SvgElement("circle", attributes, tooltip=tooltip)


def line(start: Point, end: Point, look: str) -> SvgElement:
    """Return a straight line."""
    (x1, y1), (x2, y2) = start, end
    ends = {"x1": _short(x1), "y1": _short(y1), "x2": _short(x2), "y2": _short(y2)}
    return SvgElement("line", {"class": look, **ends})


def path(points: Iterable[Point], look: str, tooltip: str = "") -> SvgElement:
    """Return a line through all points."""
    coordinates = " ".join(f"{_short(x)},{_short(y)}" for x, y in points)
    return SvgElement("polyline", {"class": look, "points": coordinates}, tooltip=tooltip)


def words(anchor_point: Point, text: str, look: str, anchor: str = "middle") -> SvgElement:
    """Return text that starts, ends or has its middle at a point."""
    x, y = anchor_point
    attributes = {"class": look, "x": _short(x), "y": _short(y), "text-anchor": anchor}
    return SvgElement("text", attributes, text=text)


def legend(entries: Sequence[tuple[str, str, str]]) -> Picture:
    """Draw a key to the marks of a picture: (element, look, meaning) side by side."""
    shapes: list[SvgElement] = []
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


def _short(value: float) -> str:
    """Return a coordinate to a tenth of a unit: nobody sees more, and files stay small."""
    return f"{value:.1f}".removesuffix(".0")

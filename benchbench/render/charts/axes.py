"""From values to places: scales with round ticks, and the axes that are drawn by them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchbench.render.charts.picture import SvgElement, line, words

MOST_TICKS = 6
GAP_OF_ZERO = 22.0
"""The space that a logarithmic scale keeps between its zeros and all other values."""
MARGIN = 0.05
"""The share of a scale that stays empty at either end, so that no dot sits on an edge."""
PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True, slots=True)
class LinearScale:
    """A scale from `low` at `start` to `high` at `end`."""

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def over(cls, values: Iterable[float], start: float, end: float) -> LinearScale:
        """Return a scale that holds all values and a small margin beside them."""
        known = list(values)
        low, high = min(known, default=0.0), max(known, default=1.0)
        margin = MARGIN * (high - low) or 0.5
        return cls(low - margin, high + margin, start, end)

    def __call__(self, value: float) -> float:
        """Return the place of a value."""
        return self.start + (self.end - self.start) * (value - self.low) / (self.high - self.low)

    @property
    def ticks(self) -> tuple[float, ...]:
        """Return multiples of 1, 2 or 5 times a power of ten."""
        least = (self.high - self.low) / MOST_TICKS
        power = 10.0 ** math.floor(math.log10(least))
        step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return tuple(multiple * step for multiple in range(first, last + 1))


@dataclass(frozen=True, slots=True)
class LogScale:
    """A logarithmic scale. It has no place for zeros: they stand apart at its start."""

    low: float
    high: float
    start: float
    end: float
    zeros: bool = False

    @classmethod
    def over(cls, values: Iterable[float], start: float, end: float) -> LogScale:
        """Return a scale that holds all values, none of which is negative."""
        known = list(values)
        positive = [value for value in known if value > 0]
        low, high = min(positive, default=1.0), max(positive, default=10.0)
        margin = (high / low) ** MARGIN if high > low else 2.0
        return cls(low / margin, high * margin, start, end, len(positive) < len(known))

    def __call__(self, value: float) -> float:
        """Return the place of a value."""
        if value <= 0:
            return self.start + GAP_OF_ZERO / 3
        start = self.start + (GAP_OF_ZERO if self.zeros else 0.0)
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return start + (self.end - start) * share

    @property
    def ticks(self) -> tuple[float, ...]:
        """Return powers of ten, with 2 and 5 times them where few powers fit."""
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        powers = range(first, last + 1)
        inside: list[float] = []
        for factors in ((1, 2, 5), (1, 3), (1,)):
            candidates = [factor * 10.0**power for power in powers for factor in factors]
            inside = [value for value in candidates if self.low <= value <= self.high]
            if len(inside) <= MOST_TICKS:
                break
        inside = inside[:: math.ceil(len(inside) / MOST_TICKS)] if inside else inside
        return (0.0, *inside) if self.zeros else tuple(inside)


Scale = LinearScale | LogScale


def axes(across: Scale, up: Scale, title_across: str, title_up: str) -> list[SvgElement]:
    """Return grid lines, ticks and titles: `across` runs to the right, `up` to the top."""
    shapes = []
    for value, text in zip(up.ticks, tick_texts(up.ticks), strict=True):
        y = up(value)
        shapes.append(line((across.start, y), (across.end, y), "grid"))
        shapes.append(words((across.start - 6, y + 3.5), text, "tick", "end"))
    for value, text in zip(across.ticks, tick_texts(across.ticks), strict=True):
        x = across(value)
        shapes.append(line((x, up.start), (x, up.start + 4), "axis"))
        shapes.append(words((x, up.start + 16), text, "tick"))
    shapes.append(line((across.start, up.start), (across.end, up.start), "axis"))
    middle = (across.start + across.end) / 2
    shapes.append(words((middle, up.start + 32), title_across, "name"))
    shapes.append(words((4, up.end - 11), title_up, "name", "start"))
    return shapes


def tick_texts(values: Sequence[float]) -> tuple[str, ...]:
    """Return the values in a short form: 0.05, 20, 5k, 2M."""
    return tuple(_tick_text(value) for value in values)


def _tick_text(value: float) -> str:
    for size, prefix in PREFIXES:
        if abs(value) >= size * 0.9999:
            return f"{value / size:.4g}{prefix}"
    return f"{value:.3g}" if abs(value) > 1e-9 else "0"

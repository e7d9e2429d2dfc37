"""A value with its interval, as evidence stores it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval: see `evaluation/jackknife.py`."""

    low: float
    high: float

    def check(self) -> None:
        """Raise ValueError where the bounds are in the wrong order."""
        if self.low > self.high:
            raise ValueError(f"its low end {self.low} is above its high end {self.high}")


@dataclass(frozen=True, slots=True)
class IntervalEstimate:
    """A value and its interval; None where no interval would hold the truth often enough."""

    value: float
    interval: Interval | None

"""Reliability diagrams: how often a system is right against how sure it is."""

from __future__ import annotations

from benchbench.evidence import SystemEvidence
from benchbench.render.charts.axes import LinearScale, axes
from benchbench.render.charts.picture import Picture, circle, line, path

SIDE = 170.0


def reliability(system: SystemEvidence) -> Picture:
    """Draw how often a system was right against how sure it was, one dot per bin.

    On the diagonal it is right as often as it says. The area of a dot is its share of all
    decisions.
    """
    across, up = LinearScale(0, 1, 32, SIDE - 8), LinearScale(0, 1, SIDE - 38, 20)
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
        f"Mean distance from the diagonal {gap:.3f}: {_tendency(system)}."
    )
    title, caption = f"Reliability of {system.name}", f"{system.name}, off by {gap:.3f}"
    return Picture(SIDE, SIDE, title, description, tuple(shapes), caption)


def calibration_gap(system: SystemEvidence) -> float:
    """Return the mean distance of confidence and share right, weighted by decisions."""
    total = sum(count for _, _, count in system.reliability)
    return sum(abs(right - sure) * count for sure, right, count in system.reliability) / total


def _tendency(system: SystemEvidence) -> str:
    """Say whether a system is too sure of itself, or not sure enough."""
    excess = sum((sure - right) * count for sure, right, count in system.reliability)
    decisions = sum(count for _, _, count in system.reliability)
    if abs(excess) < 0.5 * calibration_gap(system) * decisions:
        return "neither surer nor less sure than it should be, taken together"
    return "surer than it should be" if excess > 0 else "less sure than it should be"

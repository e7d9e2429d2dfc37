"""Times and counts of cells in words, for plans and progress."""

from __future__ import annotations

from benchbench.leaderboard import duration
from benchbench.planning import TimeLeft


def count_cells(count: int) -> str:
    """Return a number of cells in words."""
    return "1 cell" if count == 1 else f"{count} cells"


def whole_grid(left: TimeLeft, jobs: int) -> str:
    """Return how long a grid takes that has not begun, and for how many cells that is unknown."""
    count = left.known + left.unknown
    if not left.known:
        return f"{count_cells(count)} to run; the time is unknown for {_of_them(left)}."
    at_a_time = f", {jobs} cells at a time" if min(jobs, count) > 1 else ""
    unknown = f"; the time is unknown for {_of_them(left)}" if left.unknown else ""
    about = f"about {duration(left.seconds)} on this machine{at_a_time}"
    return f"{count_cells(count)} to run, {about}{unknown}."


def rest_of_grid(left: TimeLeft) -> str:
    """Return what is left of a grid that runs."""
    if not left.known:
        return f"unknown time left for {count_cells(left.unknown)}" if left.unknown else "0 s left"
    unknown = f", {count_cells(left.unknown)} unknown" if left.unknown else ""
    return f"about {duration(left.seconds)} left{unknown}"


def _of_them(left: TimeLeft) -> str:
    if left.known:
        return f"{left.unknown} of them"
    return "it" if left.unknown == 1 else "all of them"

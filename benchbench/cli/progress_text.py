"""What a running cell does, in words: its stage, step, loss, documents per second, time left."""

from __future__ import annotations

from benchbench.contract import Event
from benchbench.leaderboard import duration
from benchbench.planning import Forecast, RunningCell, cell_left, stage_left
from benchbench.render import plain


def describe(running: RunningCell, need: Forecast, now: float, silence: float) -> str:
    """Return what a cell does and what is left of it, as a line of a log says it.

    A stage whose last step is `silence` seconds or more ago is said to be still at it.
    """
    event, silent = running.event, now - running.event_at
    if event is None:
        return f"started {duration(silent)} ago, no step reported yet"
    stage = plain(event.stage)
    if not event.step:
        return f"still in {stage}, {duration(silent)}"
    if silent >= silence and event.step >= event.total:
        return f"{stage} is done, still in what follows, {duration(silent)}"
    if silent >= silence:
        return f"still in {stage}, {_step(event)}, {duration(silent)} since its last step"
    return ", ".join([f"{stage} {_step(event)}", *values(event), *time_left_of(running, need, now)])


def time_left_of(running: RunningCell, need: Forecast, now: float) -> list[str]:
    """Return what is left of the cell, else of its stage; empty where neither is known."""
    whole = cell_left(running, need, now)
    if whole is not None:
        return [f"about {duration(whole)} left"]
    part = stage_left(running, now)
    if part is None or running.event is None:
        return []
    return [f"about {duration(part)} of {plain(running.event.stage)} left"]


def values(event: Event) -> list[str]:
    """Return the loss and the documents per second of an event, as far as it has them."""
    parts = []
    if "loss" in event.values:
        parts.append(f"loss {event.values['loss']:.3f}")
    if "documents_per_second" in event.values:
        parts.append(f"{event.values['documents_per_second']:.0f} documents/s")
    return parts


def _step(event: Event) -> str:
    return f"{event.step} of {event.total}"

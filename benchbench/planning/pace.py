"""The pace of a running cell, from its events: what is left of its stage and of the cell."""

from __future__ import annotations

from dataclasses import dataclass, replace

from benchbench.contract import Event
from benchbench.planning.forecast import Forecast

TRAIN, PREDICT = "train", "predict"


@dataclass(frozen=True, slots=True)
class RunningCell:
    """A running cell. Times are in seconds of one clock.

    `event` is the last event, with the last of each value that its stage has reported. `event_at`
    says when it came, and when the cell started where there is none. `first_step` and `first_at`
    are those of the stage's first event. `predicted` counts the documents of the splits before.
    """

    started: float
    event_at: float
    event: Event | None = None
    first_step: int = 0
    first_at: float = 0.0
    predicted: int = 0


def with_event(running: RunningCell, event: Event, now: float) -> RunningCell:
    """Return the cell after one more event. A step that goes back begins a stage or split anew."""
    last = running.event
    if last is not None and _goes_on(last, event):
        values = {**last.values, **event.values}
        return replace(running, event=replace(event, values=values), event_at=now)
    before = last.total if last is not None and last.stage == PREDICT else 0
    return replace(
        running,
        event=event,
        event_at=now,
        first_step=event.step,
        first_at=now,
        predicted=running.predicted + before,
    )


def stage_left(running: RunningCell, now: float) -> float | None:
    """Return the seconds that are left of the stage at its pace, None before its second step."""
    event, pace = running.event, _seconds_per_step(running)
    if event is None or pace is None:
        return None
    return max(0.0, (event.total - event.step) * pace - (now - running.event_at))


def cell_left(running: RunningCell, need: Forecast, now: float) -> float | None:
    """Return the seconds that are left of the whole cell, None where its events do not tell.

    The forecast says how the time is divided between training and predicting, and how many
    documents are predicted.
    """
    event, pace, left = running.event, _seconds_per_step(running), stage_left(running, now)
    if event is None or pace is None or left is None:
        return None
    if event.stage == TRAIN and need.training_share:
        share = need.training_share
        return left + event.total * pace * (1 - share) / share
    if event.stage == PREDICT and need.predictions is not None:
        later = need.predictions - running.predicted - event.total
        return left + max(0, later) * pace
    return None


def _goes_on(last: Event, event: Event) -> bool:
    same = (last.stage, last.total) == (event.stage, event.total)
    return same and last.step <= event.step


def _seconds_per_step(running: RunningCell) -> float | None:
    event = running.event
    if event is None or event.step <= running.first_step:
        return None
    return (running.event_at - running.first_at) / (event.step - running.first_step)

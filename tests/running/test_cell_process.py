"""What the process of a cell sends: few events, and every one that begins or ends a stage."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from benchbench import Event
from benchbench.cli.progress_text import describe
from benchbench.planning import Forecast, RunningCell, with_event
from benchbench.running import cell_process


def sent(*events):
    """Return what is sent of events that come at once."""
    out = []
    report = cell_process._limited(SimpleNamespace(send=out.append))
    for event in events:
        report(event)
    return out


@pytest.mark.parametrize("test", [300, 200], ids=["other-size", "same-size"])
def test_the_beginning_of_the_test_documents_is_sent_at_once(test):
    events = [Event("predict", step, 200) for step in (0, 200)] + [Event("predict", 0, test)]
    assert sent(*events) == events
    running = RunningCell(0.0, 0.0)
    for event in sent(*events):
        running = with_event(running, event, 0.0)
    assert describe(running, Forecast("unknown"), 40.0, 30.0) == "still in predict, 40 s"


def test_of_steps_that_come_at_once_the_first_and_the_last_are_sent():
    steps = [Event("train", step, 500) for step in range(501)]
    assert sent(*steps) == [steps[0], steps[-1]]


def test_a_stage_that_reports_nothing_but_its_end_is_sent():
    events = [Event("load", 0, 1), Event("train", 3, 9), Event("check", 0, 1), Event("check", 1, 1)]
    assert sent(*events) == events

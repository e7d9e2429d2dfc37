"""The pace of a running cell: what its events say of its stage, and of the whole cell."""

from __future__ import annotations

import pytest

from benchbench import Event
from benchbench.planning.forecast import Forecast
from benchbench.planning.pace import RunningCell, cell_left, stage_left, with_event

NEED = Forecast("estimated", seconds=1.0, training_share=0.8, predictions=400)


def after(*events):
    """Return a cell that started at 0 and had these events: (time, stage, step, total)."""
    running = RunningCell(0.0, 0.0)
    for now, *event in events:
        running = with_event(running, Event(*event), now)
    return running


@pytest.mark.parametrize(
    "events",
    [(), [(1.0, "load", 0, 1)], [(9.0, "train", 1, 10)], [(1.0, "train", 0, 0), (2.0, "x", 0, 0)]],
    ids=["no event", "loading", "one step", "no steps"],
)
def test_before_the_second_step_nothing_is_known(events):
    assert stage_left(after(*events), 20.0) is None
    assert cell_left(after(*events), NEED, 20.0) is None


def test_the_rest_of_a_stage_follows_its_own_pace_without_the_loading_before_it():
    running = after((50.0, "load", 0, 1), (60.0, "train", 1, 11), (70.0, "train", 6, 11))
    assert stage_left(running, 70.0) == pytest.approx(10.0)
    assert stage_left(running, 74.0) == pytest.approx(6.0)
    assert stage_left(running, 99.0) == 0.0


def test_what_is_predicted_after_training_belongs_to_the_rest_of_the_cell():
    running = after((0.0, "train", 0, 80), (40.0, "train", 40, 80))
    assert cell_left(running, NEED, 40.0) == pytest.approx(40.0 + 20.0)


def test_while_one_split_is_predicted_the_other_is_still_to_come():
    first = after((0.0, "train", 9, 9), (10.0, "predict", 0, 100), (20.0, "predict", 50, 100))
    assert cell_left(first, NEED, 20.0) == pytest.approx(10.0 + 60.0)
    second = with_event(first, Event("predict", 100, 100), 30.0)
    for now, step in ((31.0, 0), (41.0, 50)):
        second = with_event(second, Event("predict", step, 300), now)
    assert second.predicted == 100
    assert cell_left(second, NEED, 41.0) == pytest.approx(50.0)


def test_a_split_that_is_larger_than_the_one_before_begins_anew():
    running = after((1.0, "predict", 150, 150), (5.0, "predict", 256, 1000))
    assert (running.predicted, running.first_step) == (150, 256)


def test_without_a_forecast_only_the_stage_is_known():
    running = after((0.0, "train", 0, 10), (5.0, "train", 5, 10))
    assert stage_left(running, 5.0) == pytest.approx(5.0)
    assert cell_left(running, Forecast("unknown"), 5.0) is None


def test_a_report_without_a_loss_keeps_the_last_one_of_its_stage():
    running = with_event(after(), Event("train", 1, 4, {"loss": 0.5}), 1.0)
    running = with_event(running, Event("train", 2, 4, {"validation_loss": 0.7}), 2.0)
    assert running.event.values == {"loss": 0.5, "validation_loss": 0.7}
    assert with_event(running, Event("predict", 0, 4), 3.0).event.values == {}

"""What is left of a grid: forecasts, corrected by what the finished cells took."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchbench.planning.forecast import Forecast
from benchbench.planning.time_left import (
    START_SECONDS,
    TRUST_SECONDS,
    TimeLeft,
    expected_seconds,
    time_left,
    together,
)
from tests.support.building import cell, record


def estimated(seconds):
    return Forecast("estimated", seconds=seconds)


def finished(of, seconds, status="ok"):
    return record(of, status, cost={"wall_seconds": seconds})


@pytest.mark.parametrize(
    ("seconds", "jobs", "expected"),
    [([], 1, 0.0), ([10.0, 20.0], 1, 30.0), ([10.0, 20.0, 30.0], 3, 30.0), ([5.0] * 4, 2, 10.0)],
    ids=["nothing", "one at a time", "the longest decides", "shared out"],
)
def test_how_long_cells_take_together(seconds, jobs, expected):
    assert together(seconds, jobs) == expected


def test_cells_of_unknown_time_are_counted_and_not_guessed():
    assert time_left([60.0, None, 30.0, None], jobs=1) == TimeLeft(90.0, 2, 2)


def test_before_a_cell_has_finished_the_forecast_counts_and_the_start_of_its_process():
    cells = cell(), cell(method="majority", backbone=None)
    expected = expected_seconds({cells[0]: estimated(100.0), cells[1]: Forecast("unknown")}, ())
    assert expected == {cells[0]: 100.0 + START_SECONDS, cells[1]: None}


def test_what_was_measured_before_is_not_corrected():
    one, slow = cell(), cell(dataset="news")
    needs = {one: Forecast("measured", seconds=50.0), slow: estimated(1000.0)}
    assert expected_seconds(needs, [finished(slow, 9000.0)])[one] == 50.0


def test_a_finished_seed_says_what_the_other_seeds_take_even_without_a_forecast():
    seeds = [cell(method="svm", backbone=None, seed=seed) for seed in range(3)]
    needs = dict.fromkeys(seeds, Forecast("unknown"))
    done = [finished(seeds[0], 40.0), finished(seeds[1], 60.0)]
    assert expected_seconds(needs, done)[seeds[2]] == 50.0


def test_cells_that_took_twice_as_long_double_the_rest_of_their_method():
    done, same = cell(dataset="claims"), cell(dataset="news")
    needs = {done: estimated(3000.0), same: estimated(600.0)}
    expected = expected_seconds(needs, [finished(done, 6000.0 + START_SECONDS)])
    assert expected[same] == pytest.approx(1200.0, rel=0.02)


def test_the_nearest_kind_of_cell_counts_most():
    slow, fast = cell(dataset="claims"), cell(dataset="claims", method="instruction")
    other = replace(cell(dataset="news"), backbone=slow.backbone)
    another = cell(dataset="news", method="instruction", backbone="mistral")
    stranger = cell(dataset="news", method="encoder")
    needs = {one: estimated(3000.0) for one in (slow, fast, other, another, stranger)}
    expected = expected_seconds(needs, [finished(slow, 9000.0), finished(fast, 3000.0)])
    assert expected[other] == pytest.approx(9000.0, rel=0.02)
    assert expected[another] == pytest.approx(3000.0, rel=0.03)
    assert expected[stranger] == pytest.approx(6000.0, rel=0.02)


def test_short_cells_hardly_change_the_forecast_of_long_ones():
    short = cell(dataset="claims")
    needs = {short: estimated(0.2), cell(dataset="news"): estimated(3600.0)}
    expected = expected_seconds(needs, [finished(short, 5.0)])
    without_trust = 3600.0 * (5.0 - START_SECONDS) / 0.2
    assert expected[cell(dataset="news")] < 3600.0 * (1 + 5.0 / TRUST_SECONDS) < without_trust


def test_a_short_cell_of_the_method_does_not_outweigh_long_ones_of_others():
    short, long = cell(dataset="claims"), cell(method="encoder")
    rest = cell(dataset="news")
    needs = {short: estimated(0.2), long: estimated(3000.0), rest: estimated(3000.0)}
    done = [finished(short, START_SECONDS + 0.4), finished(long, 6000.0)]
    assert expected_seconds(needs, done)[rest] == pytest.approx(6000.0, rel=0.02)


@pytest.mark.parametrize("status", ["failed", "timeout", "skipped"])
def test_a_cell_without_a_result_corrects_nothing(status):
    lost, other = cell(dataset="claims"), cell(dataset="news")
    needs = {lost: estimated(100.0), other: estimated(100.0)}
    assert expected_seconds(needs, [finished(lost, 900.0, status)])[other] == 100.0 + START_SECONDS

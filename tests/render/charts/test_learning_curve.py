"""Learning curves: smoothed, bounded, and left out where there is nothing to draw."""

from __future__ import annotations

import pytest

from benchbench.leaderboard.build import LearningCurve
from benchbench.render.charts.learning_curve import learning_curve, smoothed


def test_smoothing_keeps_the_mean_of_a_curve_and_bounds_its_points():
    series = [(float(step), float(step % 7)) for step in range(400)]
    found = smoothed(series)
    assert len(found) == 40
    assert sum(loss for _, loss in found) / 40 == pytest.approx(
        sum(loss for _, loss in series) / 400
    )
    assert smoothed([]) == []


def test_a_run_without_losses_has_no_curve():
    assert learning_curve("x", [LearningCurve("x", 0, ({"step": 1, "rate": 2},))]) is None
    one = learning_curve("x", [LearningCurve("x", 0, ({"step": 1, "loss": 2},))])
    assert "from 2 to 2" in one.description

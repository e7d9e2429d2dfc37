"""Scales keep order and stay inside."""

from __future__ import annotations

from itertools import pairwise

import pytest

from benchbench.render.charts.axes import LinearScale, LogScale


@pytest.mark.parametrize("kind", [LinearScale, LogScale])
@pytest.mark.parametrize(
    "values", [[0.5], [0, 0], [1, 2], [3e-4, 2e12], [0, 5, 1e6], [0.71, 0.72, 0.7201]], ids=str
)
def test_a_scale_keeps_order_and_stays_inside(kind, values):
    scale = kind.over(values, 40, 300)
    places = [scale(value) for value in sorted(values)]
    assert all(40 <= place <= 300 for place in places)
    assert all(one <= other for one, other in pairwise(places))
    assert len(scale.ticks) <= 8
    assert all(39.9 <= scale(tick) <= 300.1 for tick in scale.ticks)

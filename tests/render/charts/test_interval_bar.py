"""A value and its interval, drawn where they are."""

from __future__ import annotations

import pytest

from benchbench.evidence.values import Interval, IntervalEstimate
from benchbench.render.charts.interval_bar import interval_bar, interval_scale


def test_an_interval_is_drawn_where_it_is():
    estimate = IntervalEstimate(0.4, Interval(0.2, 0.6))
    scale = interval_scale([estimate, IntervalEstimate(0.5, Interval(0.0, 1.0))])
    picture = interval_bar("name", estimate, scale)
    (dot,) = (shape for shape in picture.shapes if shape.element == "circle")
    assert float(dot.attributes["cx"]) == pytest.approx(scale(0.4), abs=0.1)
    assert "0.400" in picture.description and "0.200 to 0.600" in picture.description


def test_a_value_without_an_interval_is_a_dot_alone():
    bare = IntervalEstimate(0.4, None)
    picture = interval_bar("name", bare, interval_scale([bare, IntervalEstimate(0.9, None)]))
    assert [shape.element for shape in picture.shapes] == ["line", "circle"]
    assert picture.description == "0.400, without an interval."

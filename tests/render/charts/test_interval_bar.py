"""A value and its interval, drawn where they are."""

from __future__ import annotations

import pytest

from benchbench.evidence.values import Interval
from benchbench.render.charts.interval_bar import interval_bar, interval_scale


def test_an_interval_is_drawn_where_it_is():
    interval = Interval(0.2, 0.6, 0.2, 0.6)
    scale = interval_scale([interval, Interval(0.0, 1.0, 0.0, 1.0)])
    picture = interval_bar("name", 0.4, interval, scale)
    (dot,) = (shape for shape in picture.shapes if shape.element == "circle")
    assert float(dot.attributes["cx"]) == pytest.approx(scale(0.4), abs=0.1)
    assert "0.400" in picture.description and "0.200 to 0.600" in picture.description

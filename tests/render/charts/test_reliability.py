"""Reliability diagrams: the gap is the expected calibration error."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchbench.render.charts.reliability import calibration_gap
from tests.support.reports import section


def test_the_gap_of_a_reliability_diagram_is_the_expected_calibration_error():
    system = replace(section().evidence.systems[0], reliability=((0.25, 0.5, 10), (0.95, 0.9, 30)))
    assert calibration_gap(system) == pytest.approx((0.25 * 10 + 0.05 * 30) / 40)

"""What the tests of forecasts share."""

from __future__ import annotations

import pytest

from benchbench.planning.plan import PlanContext
from benchbench.records.store import open_store
from tests.support.forecasting import CPU, TwoItems


@pytest.fixture
def context(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("benchbench.planning.matrix_speed.SECONDS", 0.001)
    monkeypatch.setattr("benchbench.planning.matrix_speed.WIDTHS", (128,))
    return PlanContext(TwoItems(), open_store(tmp_path / "store"), CPU)

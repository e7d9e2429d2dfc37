"""The forecasts of a run cost little, and no fault in them stops it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchbench.planning import matrix_speed, run_forecast
from benchbench.planning.matrix_speed import matrix_rates_of_child, typical_rates
from benchbench.planning.preparation import PreparedCorpus
from benchbench.planning.run_forecast import forecasts_of_run
from tests.support.building import description
from tests.support.forecasting import CPU, DATA, Known, TwoItems, planned


@pytest.fixture
def told():
    return []


def forecast(context, told, *cells, measure=True, training=80):
    documents = {"train": training, "validation": 10, "test": 10}
    corpora = {
        DATA: PreparedCorpus(None, description(documents=documents, characters=400 * training))
    }
    return forecasts_of_run(cells, corpora, context, threads=1, measure=measure, warn=told.append)


def never(*arguments):
    raise AssertionError("a short run measures nothing")


def test_a_short_run_takes_usual_rates_and_measures_nothing(context, told, monkeypatch):
    monkeypatch.setattr(run_forecast, "matrix_rates_of_child", never)
    cell, unknown = planned(), planned("silent")
    needs = forecast(context, told, cell, unknown)
    assert needs[cell.id].seconds > 0
    assert needs[unknown.id].basis == "unknown"
    assert {needs[cell.id].predictions, needs[unknown.id].predictions} == {20}
    assert told == []


def test_a_long_run_is_estimated_with_the_speed_of_this_machine(context, told, monkeypatch):
    slower = {width: rate / 10 for width, rate in typical_rates(CPU, 1).items()}
    monkeypatch.setattr(run_forecast, "matrix_rates_of_child", lambda device, threads: slower)
    cell = planned()
    usual = forecast(context, told, cell, measure=False, training=10**8)[cell.id]
    assert usual.seconds > run_forecast.WORTH_SECONDS
    measured = forecast(context, told, cell, training=10**8)[cell.id]
    assert measured.seconds == pytest.approx(10 * usual.seconds, rel=0.01)  # but for what is read


@pytest.mark.parametrize("fault", ["nothing", "exception"])
def test_a_speed_that_cannot_be_measured_leaves_the_usual_one(context, told, monkeypatch, fault):
    def measured(device, threads):
        if fault == "exception":
            raise OSError("no more processes")

    monkeypatch.setattr(run_forecast, "matrix_rates_of_child", measured)
    cell = planned()
    usual = forecast(context, told, cell, measure=False, training=10**8)
    assert forecast(context, told, cell, training=10**8) == usual
    assert len(told) == (fault == "exception")


def test_an_estimate_that_raises_makes_its_system_unknown_and_is_told_once(context, told):
    class Faulty(Known):
        def workload(self, params, amount):
            raise ZeroDivisionError("no documents")

    class Items(TwoItems):
        def method(self, name):
            return Faulty() if name == "faulty" else super().method(name)

    seeds, good = [planned("faulty", seed=seed) for seed in (0, 1)], planned()
    needs = forecast(replace(context, catalog=Items()), told, *seeds, good)
    assert [needs[cell.id].basis for cell in (*seeds, good)] == ["unknown"] * 2 + ["estimated"]
    (line,) = told
    assert "faulty · known · table is unknown" in line
    assert "ZeroDivisionError: no documents" in line


def test_a_child_that_takes_too_long_is_ended_and_gives_nothing(context):
    assert matrix_rates_of_child(CPU, 1, limit=0.05) is None


def test_what_a_child_measured_is_kept(context, monkeypatch):
    rates = dict.fromkeys(matrix_speed.WIDTHS, 2e9)
    monkeypatch.setattr(
        matrix_speed,
        "CHILD",
        "from pathlib import Path\nfrom benchbench.planning.matrix_speed import _keep\n"
        f"_keep(Path({str(matrix_speed._path(CPU, 1))!r}), {rates!r})\n",
    )
    assert set(matrix_rates_of_child(CPU, 1).values()) == {2e9}
    monkeypatch.setattr(matrix_speed, "CHILD", "raise SystemExit(3)")
    assert set(matrix_rates_of_child(CPU, 1).values()) == {2e9}

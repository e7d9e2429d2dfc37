"""The energy of a cell: measured one cell at a time, and never at the price of a result."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from benchbench.records.store import Store, all_records
from benchbench.running import energy
from benchbench.running.energy import EnergyMeter, EnergyUse, energy_meter
from tests.support.commands import benchbench, environment


@dataclass
class Tracker:
    """A tracker like that of codecarbon: a task uses as many kWh as its name has letters."""

    mode: str = "intel_rapl"
    tasks: list = field(default_factory=list)

    @property
    def _hardware(self):
        return [SimpleNamespace(), SimpleNamespace(_mode=self.mode)]

    def start_task(self, name):
        assert name != "broken"
        self.tasks.append(name)

    def stop_task(self, name):
        assert self.tasks[-1] == name
        return SimpleNamespace(energy_consumed=len(name))


@pytest.mark.parametrize(
    ("mode", "estimated", "how"),
    [
        ("intel_rapl", False, "CPU read by intel_rapl"),
        ("cpu_load", True, "CPU estimated from its load"),
        ("constant", True, "CPU estimated from its load"),
        (None, True, "CPU estimated from its load"),
    ],
)
def test_a_cell_has_its_energy_and_how_it_was_measured(mode, estimated, how):
    tracker, lines = Tracker(mode), []
    meter = EnergyMeter(lambda: tracker, lines.append)
    meter.begin("cell")
    used = meter.end("cell")
    assert isinstance(used, EnergyUse)
    assert used.cost == {"energy_kwh": 4.0, "energy_estimated": int(estimated)}
    assert used.source.endswith(how)
    assert tracker.tasks == ["setup", "cell"]  # the hardware is found before a cell is measured
    assert lines == []


def test_a_cell_that_was_not_begun_has_none():
    meter = EnergyMeter(Tracker, print)
    meter.begin("one")
    assert meter.end("other") is None
    assert meter.end("one") is not None
    assert meter.end("one") is None


def test_a_fault_of_the_tracker_is_told_once_and_ends_all_measuring():
    lines = []
    meter = EnergyMeter(Tracker, lines.append)
    for cell in ("broken", "next"):
        meter.begin(cell)
        assert meter.end(cell) is None
    assert len(lines) == 1
    assert "energy is not measured any more: codecarbon raised AssertionError" in lines[0]


def test_nothing_is_measured_without_codecarbon_or_where_cells_run_at_once(monkeypatch):
    lines = []
    monkeypatch.setattr(energy, "find_spec", lambda name: None)
    assert energy_meter(1, lines.append) is None
    assert lines == []
    monkeypatch.setattr(energy, "find_spec", lambda name: object())
    assert energy_meter(2, lines.append) is None
    assert lines == [
        "energy is not measured: 2 cells run at once, and what one of them uses cannot be told "
        "apart; --jobs 1 measures it."
    ]
    assert isinstance(energy_meter(1, lines.append), EnergyMeter)


STAND_IN = """
from types import SimpleNamespace


class OfflineEmissionsTracker:
    _hardware = ()

    def __init__(self, **options):
        assert options["save_to_file"] is False

    def start_task(self, name):
        pass

    def stop_task(self, name):
        return SimpleNamespace(energy_consumed=0.25)
"""


def test_a_run_stores_the_energy_of_every_cell_and_its_verdict_tells_it_with_the_price(tmp_path):
    (tmp_path / "codecarbon.py").write_text(STAND_IN)
    path = environment(tmp_path)["PYTHONPATH"]
    done = benchbench(
        tmp_path, "run", "--dataset", "weather", "--method", "majority", "--jobs", "1", "--offline",
        "--price-per-hour", "5", PYTHONPATH=f"{tmp_path}{os.pathsep}{path}",
    )  # fmt: skip
    [one] = all_records(Store(tmp_path / "benchbench-runs"))
    assert (one.cost["energy_kwh"], one.cost["energy_estimated"]) == (0.25, 1)
    assert str(one.provenance["energy"]).startswith("codecarbon ")
    assert "per 1,000" in done.stdout and "uses 0.25 kWh (estimated)" in done.stdout


def test_codecarbon_itself_measures_without_network_and_files(tmp_path, monkeypatch):
    pytest.importorskip("codecarbon")
    monkeypatch.chdir(tmp_path)
    meter = energy_meter(1, pytest.fail)
    meter.begin("cell")
    sum(range(10**6))
    used = meter.end("cell")
    assert used.kwh > 0
    assert list(tmp_path.iterdir()) == []

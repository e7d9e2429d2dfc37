"""The energy of a cell: measured one cell at a time, and never at the price of a result."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from benchbench.running import energy
from benchbench.running.energy import EnergyMeter, EnergyUse, energy_meter


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


def test_codecarbon_itself_measures_without_network_and_files(tmp_path, monkeypatch):
    pytest.importorskip("codecarbon")
    monkeypatch.chdir(tmp_path)
    meter = energy_meter(1, pytest.fail)
    meter.begin("cell")
    sum(range(10**6))
    used = meter.end("cell")
    assert used.kwh > 0
    assert list(tmp_path.iterdir()) == []

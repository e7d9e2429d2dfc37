"""What `run` says before the first cell, and the order in which it runs cells."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from benchbench import Outcome, Shape, Workload
from benchbench.cli.grid_run import run_cells
from benchbench.contract.record import Record
from benchbench.machine.hardware import Device
from benchbench.planning import PlanContext, PreparedCorpus, plan_cells
from benchbench.records.store import all_records, open_store
from benchbench.running import Settings, Suite
from tests.support.building import Net, Table, Way, catalog_of, cell, description

LONG, SHORT, BASELINE = "long", "short", "baseline"


class Trained(Way):
    """A method that says how long it trains: as many epochs as its rank."""

    def workload(self, params, amount):
        return Workload("adapters", 64, 50.0, 50.0, params["rank"])


class Sized(Net):
    """A backbone that says how large it is."""

    shapes = 0

    def shape(self):
        Sized.shapes += 1
        return Shape(2, 64, 128, 4, 4, 16, 100)


class Elsewhere:
    """An executor that notes its jobs and runs none of them."""

    name = "elsewhere"

    def __init__(self):
        self.titles = []

    def run(self, jobs, progress):
        for job in jobs:
            self.titles.append(f"{job.cell.method.name} {job.cell.seed}")
            yield Outcome(Record.unpublished(job, "ok", ""), job.scratch)


@pytest.fixture
def suite(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHBENCH_CACHE", str(tmp_path / "cache"))
    catalog = catalog_of(
        datasets=[Table()],
        backbones=[Sized()],
        methods=[Trained(LONG), Trained(SHORT), Way(BASELINE, backbone_kinds=())],
    )
    device = Device("cpu", "a processor", "float32", 8000)
    context = PlanContext(catalog, open_store(tmp_path / "store"), device)
    corpora = {cell().dataset: PreparedCorpus(tmp_path, description())}
    monkeypatch.setattr(PreparedCorpus, "is_untouched", lambda self: True)  # it has no files
    return Suite(context, corpora, Settings(executor=Elsewhere()))


def run(suite, *cells):
    """Run cells and return the lines that are printed."""
    console = Console(file=io.StringIO(), width=80)
    run_cells(suite, plan_cells(cells, suite.corpora, suite.context), console)
    return console.file.getvalue().splitlines()


def grid():
    """Return long cells, then short ones, then a baseline, with two seeds each."""
    methods = {LONG: {"rank": 50}, SHORT: {"rank": 1}}
    cells = [
        cell(method=name, seed=seed, **params)
        for name, params in methods.items()
        for seed in (0, 1)
    ]
    return [*cells, cell(method=BASELINE, backbone=None)]


def test_the_cheapest_cells_run_first_and_seeds_in_the_order_of_the_grid(suite):
    run(suite, *grid())
    assert suite.settings.executor.titles == [
        "baseline 0", "short 0", "short 1", "long 0", "long 1"
    ]  # fmt: skip
    assert len(all_records(suite.context.store)) == 5


def test_the_time_of_the_whole_grid_is_said_before_the_first_cell(suite):
    lines = run(suite, *grid())
    assert re.fullmatch(
        r"5 cells to run, about \d+ s on this machine; the time is unknown for 1 of them\.",
        lines[0],
    )
    assert lines[1].startswith("[1/5] baseline")


def test_an_estimate_that_raises_stops_nothing(suite, monkeypatch):
    def faulty(self, params, amount):
        raise ZeroDivisionError("no documents")

    monkeypatch.setattr(Trained, "workload", faulty)
    lines = run(suite, *grid())
    text = " ".join(lines)
    assert "The time of long · llama · claims is unknown: its estimate raised" in text
    assert "5 cells to run; the time is unknown for all of them." in lines
    assert len(suite.settings.executor.titles) == 5


def test_a_backbone_is_asked_for_its_sizes_once_per_system_and_not_per_seed(suite, monkeypatch):
    monkeypatch.setattr("benchbench.running.jobs.main_memory", lambda *arguments: None)
    before = Sized.shapes
    run(suite, *grid())
    assert Sized.shapes - before == 2


def test_a_finished_grid_says_nothing(suite):
    run(suite, *grid())
    assert run(suite, *grid()) == []

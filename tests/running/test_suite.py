"""A grid survives all failures of its cells, and being stopped or killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from benchbench.contract.record import Record
from benchbench.evidence import read_board, records_on
from benchbench.machine import out_of_memory_kills
from benchbench.records.store import Store, all_records
from tests.support.commands import benchbench, environment

KILLED = ("interrupted", "killed from outside (SIGKILL)")
if out_of_memory_kills() is None:  # the kernel does not say why it kills
    KILLED = ("oom", "killed by the system")
FAULTS = {
    "none": ("ok", ""),
    "ValueError": ("failed", "ValueError: as it was told"),
    "SystemExit": ("failed", "SystemExit: as it was told"),
    "GeneratorExit": ("failed", "GeneratorExit: as it was told"),
    "MemoryError": ("oom", "MemoryError"),
    "exit": ("failed", "ended with code 3"),
    "segfault": ("failed", "died of SIGSEGV"),
    "killed": KILLED,
    "skip": ("skipped", "there is no such thing here"),
    "diverged": ("diverged", "the loss of step 6 is nan"),
    "nan": ("diverged", "not a finite number"),
    "shape": ("failed", "expected float32 [3, 3]"),
    "dtype": ("failed", "predict_logits gave float64"),
    "few": ("failed", "predict_logits gave float32 [2, 3]"),
    "save nothing": ("failed", "save() wrote nothing"),
    "save half": ("failed", "something that was trained was not saved"),
    "predict": ("failed", "predict went wrong"),
    "save": ("failed", "save went wrong"),
    "facts": ("failed", "its facts cannot be stored: ValueError"),
    "secret": ("failed", "401 for [HF_TOKEN]"),
    "loud": ("failed", "ValueError: first second"),
    "chdir": ("ok", ""),
    "daemon": ("ok", ""),
}
CANARY = "hf_CANARYcanaryCANARYcanary"


def write_grid(path: Path, faults: dict[str, str], **params: float | str) -> Path:
    """Write a grid with one variant of the faulty method per fault, on 30 weather reports."""
    extra = "".join(f", {name} = {json.dumps(value)}" for name, value in params.items())
    methods = ",\n".join(
        f'{{use = "faulty", as = "{name}", fault = "{fault}"{extra}}}'
        for name, fault in faults.items()
    )
    path.write_text(
        f'[[block]]\ndatasets = [{{use = "weather", documents = 10}}]\nmethods = [{methods}]\n'
    )
    return path


def by_method(store: Path) -> dict[str, Record]:
    records: dict[str, Record] = {}
    for record in all_records(Store(store)):
        records[record.cell.method.name] = record
    return records


def comparable(store: Path) -> dict[str, Record]:
    """Return every record without what differs from run to run: costs and provenance."""
    return {
        f"{record.id} {record.key} {record.attempt}": replace(record, cost={}, provenance={})
        for record in all_records(Store(store))
    }


@pytest.fixture(scope="module")
def wreck(tmp_path_factory):
    """Return a folder with the store of a grid in which all cells but one fail differently."""
    folder = tmp_path_factory.mktemp("wreck")
    grid = write_grid(folder / "wreck.toml", {fault.replace(" ", "-"): fault for fault in FAULTS})
    grid.write_text(
        grid.read_text() + '[[block]]\ndatasets = [{use = "weather", documents = 10}]\n'
        'methods = ["unloadable"]\n'
    )
    done = benchbench(
        folder, "run", "--grid", "wreck.toml", "--store", "runs", "--jobs", "2",
        code=1, HF_TOKEN=CANARY, FAULTY_GRANDCHILD=str(folder / "daemon"),
    )  # fmt: skip
    return folder, done


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_has_its_own_reason_and_does_not_affect_other_cells(wreck, fault):
    status, reason = FAULTS[fault]
    record = by_method(wreck[0] / "runs")[fault.replace(" ", "-")]
    assert (record.status, reason in record.reason) == (status, True), record.reason
    assert bool(record.predictions) == (status == "ok")


def test_a_classifier_that_cannot_be_loaded_again_has_no_predictions(wreck):
    record = by_method(wreck[0] / "runs")["unloadable"]
    assert (record.status, record.predictions) == ("failed", None)
    assert "load went wrong" in record.reason


def test_failures_are_listed_under_the_table_with_their_reasons(wreck):
    text = wreck[1].stdout
    assert "Without a result:" in text
    assert "segfault · weather · seed 0: failed: the process died of SIGSEGV" in text
    assert "3 of 24 cells have a result." in text


def test_a_reason_of_megabytes_is_one_short_line_everywhere(wreck):
    record = by_method(wreck[0] / "runs")["loud"]
    assert len(record.reason) == 500
    assert record.reason.endswith("xxx last")
    assert 60_000 < len(record.provenance["traceback"]) <= 2**16
    for printed in (wreck[1].stdout, wreck[1].stderr):
        assert "first second" in printed
        assert max(map(len, printed.splitlines())) < 2_000
        assert "\x1b" not in printed


def test_what_a_cell_leaves_running_in_another_session_ends_with_it(wreck):
    assert gone(int((wreck[0] / "daemon").read_text()), seconds=0.1)


def test_a_hanging_cell_is_killed_with_its_children_and_its_timeout_is_recorded(tmp_path):
    grid = write_grid(tmp_path / "g.toml", {"hang": "hang"})
    grandchild = tmp_path / "grandchild"
    words = ("run", "--grid", grid, "--timeout", "12")
    benchbench(tmp_path, *words, code=1, FAULTY_GRANDCHILD=str(grandchild))
    record = by_method(tmp_path / "benchbench-runs")["hang"]
    assert (record.status, record.reason) == ("timeout", "stopped after its limit of 12 s")
    assert gone(int(grandchild.read_text()), seconds=0.1)
    assert record.cost["limit_seconds"] == 12
    assert "1 done" in benchbench(tmp_path, *words, code=1).stderr


def test_no_secret_reaches_a_file_or_the_terminal(wreck):
    folder, done = wreck
    assert CANARY not in done.stdout + done.stderr
    for path in folder.rglob("*"):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes(), path


def test_a_crash_leaves_no_scratch_folder(wreck):
    assert [path.name for path in (wreck[0] / "runs").iterdir() if "tmp" in path.name] == []


def test_failed_skipped_and_killed_cells_run_again_and_others_do_not(wreck):
    folder, _ = wreck
    done = benchbench(
        folder, "plan", "--grid", "wreck.toml", "--store", "runs", HF_TOKEN=CANARY
    )  # fmt: skip
    rows = [line.split() for line in done.stdout.splitlines()]
    states = {words[0]: words[3] for words in rows if len(words) > 3 and words[2] == "0"}
    for fault, (status, _) in FAULTS.items():
        expected = "again" if status in ("failed", "skipped", "interrupted") else "done"
        assert states[fault.replace(" ", "-")] == expected, fault


def test_running_a_finished_grid_again_does_nothing_and_prints_the_same_table(tmp_path):
    grid = write_grid(tmp_path / "g.toml", {"good": "none"})
    first = benchbench(tmp_path, "run", "--grid", grid, "--seeds", "0,1")
    before = comparable(tmp_path / "benchbench-runs")
    start = time.monotonic()
    second = benchbench(tmp_path, "run", "--grid", grid, "--seeds", "0,1")
    assert first.stdout == second.stdout
    assert "2 done" in second.stderr
    assert "in 0." not in second.stderr
    assert comparable(tmp_path / "benchbench-runs") == before
    assert time.monotonic() - start < 60  # it does not hang; this is no measurement of speed


def test_force_makes_a_new_attempt_and_the_last_one_counts(tmp_path):
    grid = write_grid(tmp_path / "g.toml", {"good": "none"})
    benchbench(tmp_path, "run", "--grid", grid)
    benchbench(tmp_path, "run", "--grid", grid, "--force")
    records = all_records(Store(tmp_path / "benchbench-runs"))
    assert [record.attempt for record in records] == [1, 2]
    assert records[0].predictions == records[1].predictions
    board = read_board(Store(tmp_path / "benchbench-runs"), "g")
    (counted,) = records_on(Store(tmp_path / "benchbench-runs"), board).values()
    assert counted == records[1]


def test_an_exception_in_a_watcher_does_not_affect_the_result(tmp_path):
    grid = write_grid(tmp_path / "g.toml", {"good": "none"})
    done = benchbench(tmp_path, "run", "--grid", grid, FAULTY_WATCHER="1")
    line = "watcher 'faulty' raised RuntimeError: the watcher went wrong"
    assert done.stderr.count(line) == 1  # however often it is called
    assert by_method(tmp_path / "benchbench-runs")["good"].status == "ok"


def start(tmp_path: Path, *words: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchbench", *map(str, words)]
    return subprocess.Popen(
        command, cwd=tmp_path, env=environment(tmp_path), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def wait_for(path: Path, seconds: float = 180) -> int:
    """Wait until a cell says that it is training; return its process id."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if path.exists() and path.read_text():
            return int(path.read_text())
        time.sleep(0.02)
    raise AssertionError(f"{path} was not written")


def gone(pid: int, seconds: float = 10) -> bool:
    """Say whether a process ends in time. A zombie counts as ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def long_grid(tmp_path):
    """Return a grid of four cells; the second and third train for a minute, and say when."""
    markers = tmp_path / "marker", tmp_path / "marker-too"
    parts = [write_grid(tmp_path / "g.toml", {"first": "none"}).read_text()]
    for name, marker in zip(("second", "third"), markers, strict=True):
        grid = write_grid(tmp_path / "g.toml", {name: "none"}, marker=str(marker), seconds=60.0)
        parts.append(grid.read_text())
    parts.append(write_grid(tmp_path / "g.toml", {"fourth": "none"}).read_text())
    (tmp_path / "g.toml").write_text("".join(parts))
    return tmp_path / "g.toml", markers


def quicken(grid: Path) -> None:
    """Make the slow cells end at once."""
    grid.write_text(grid.read_text().replace("60.0", "0.3"))


def test_a_run_killed_during_a_cell_gives_the_same_store_when_it_is_run_again(tmp_path):
    marker = tmp_path / "marker"
    grid = write_grid(tmp_path / "g.toml", {"a": "none", "b": "none"}, marker=str(marker),
                      seconds=1.0)  # fmt: skip
    running = start(tmp_path, "run", "--grid", grid, "--store", "killed")
    child = wait_for(marker)
    time.sleep(0.3)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    assert gone(child), "the cell outlived the suite"
    assert all_records(Store(tmp_path / "killed")) == []
    benchbench(tmp_path, "run", "--grid", grid, "--store", "killed")
    benchbench(tmp_path, "run", "--grid", grid, "--store", "whole")
    assert comparable(tmp_path / "killed") == comparable(tmp_path / "whole")
    assert len(comparable(tmp_path / "whole")) == 2


def test_deleting_the_cache_during_a_run_fails_no_cell(tmp_path):
    marker = tmp_path / "marker"
    grid = write_grid(tmp_path / "g.toml", {"a": "none", "b": "none"}, marker=str(marker),
                      seconds=1.0)  # fmt: skip
    running = start(tmp_path, "run", "--grid", grid)
    wait_for(marker)
    shutil.rmtree(tmp_path / "cache")
    _, err = running.communicate(timeout=120)
    assert running.returncode == 0, err
    assert [r.status for r in all_records(Store(tmp_path / "benchbench-runs"))] == ["ok", "ok"]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "sigterm"]
)
def test_a_stopped_run_keeps_its_results_and_continues_later(tmp_path, long_grid, number, code):
    grid, markers = long_grid
    running = start(tmp_path, "run", "--grid", grid, "--jobs", "2")
    children = [wait_for(marker) for marker in markers]
    os.killpg(running.pid, number)  # the fork server is in the group, as on a terminal
    out, err = running.communicate(timeout=180)
    assert running.returncode == code, err
    assert err.splitlines()[-1].startswith("benchbench: stopped.")
    assert "Traceback" not in err
    assert all(map(gone, children))
    statuses = {name: r.status for name, r in by_method(tmp_path / "benchbench-runs").items()}
    assert statuses == {"first": "ok", "second": "interrupted", "third": "interrupted"}
    assert "second · weather · seed 0: interrupted: stopped by the user" in out
    assert "95 % interval, n" not in out, "a stopped run must not compute statistics"
    quicken(grid)
    done = benchbench(tmp_path, "run", "--grid", grid)
    assert "4 of 4 cells have a result." in done.stdout
    assert "95 % interval, n" in done.stdout
    assert "1 done" in done.stderr


def test_the_memory_of_the_suite_stays_flat(tmp_path):
    grid = write_grid(tmp_path / "g.toml", {"good": "none"})
    seeds = ",".join(map(str, range(30)))
    notes = tmp_path / "notes"
    benchbench(tmp_path, "run", "--grid", grid, "--seeds", seeds, FAULTY_NOTES=str(notes))
    resident = [int(line.split()[1]) for line in notes.read_text().splitlines()]
    assert len(resident) == 30
    assert resident[-1] <= resident[4] * 1.05


def test_a_licence_that_cannot_be_read_does_not_fail_a_finished_cell(capsys):
    from types import SimpleNamespace

    from benchbench.running.suite import _licence
    from tests.support.building import Net, catalog_of, cell

    class Unlicensed(Net):
        @property
        def licence(self):
            raise OSError("the model card is gone")

    class Licensed(Net):
        licence = "mit"

    suites = {
        made: SimpleNamespace(context=SimpleNamespace(catalog=catalog_of(backbones=[made()])))
        for made in (Unlicensed, Licensed, Net)
    }
    assert _licence(suites[Licensed], cell()) == {"licence": "mit"}
    assert _licence(suites[Net], cell()) == {"licence": ""}
    assert _licence(suites[Net], cell(backbone=None)) == {}
    assert capsys.readouterr().err == ""
    assert _licence(suites[Unlicensed], cell()) == {"licence": ""}
    assert "licence of backbone 'llama' raised OSError: the model card" in capsys.readouterr().err

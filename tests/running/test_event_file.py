"""The file of events: whole lines at once, plain JSON, and nothing more after a disk error."""

from __future__ import annotations

import io
import json
import math

import pytest

from benchbench import BenchbenchError, Event
from benchbench.records import cell_id
from benchbench.running import EventFile, events_to
from tests.support.building import cell, record


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_event_stands_in_the_file_at_once(tmp_path):
    path, one = tmp_path / "events.jsonl", record(cost={"fit_seconds": 2.5, "limit_mib": None})
    with events_to(path) as file:
        file.benchbench_cell_started(one.cell, 1, 2)
        assert [line["event"] for line in lines(path)] == ["started"]
        file.benchbench_cell_progress(one.cell, Event("train", 3, 4, {"loss": 0.5}))
        file.benchbench_cell_finished(one)
        started, progress, finished = lines(path)
    assert (started["position"], started["total"]) == (1, 2)
    assert {line["id"] for line in lines(path)} == {cell_id(one.cell)}
    assert started["cell"] == one.cell.title
    assert (progress["stage"], progress["step"], progress["total"]) == ("train", 3, 4)
    assert progress["values"] == {"loss": 0.5}
    assert (finished["status"], finished["attempt"]) == ("ok", 1)
    assert finished["cost"] == {"fit_seconds": 2.5, "limit_mib": None}


def test_a_second_run_appends(tmp_path):
    for seed in (0, 1):
        with events_to(tmp_path / "e") as file:
            file.benchbench_cell_started(cell(seed=seed), 1, 1)
    assert [line["cell"][-1] for line in lines(tmp_path / "e")] == ["0", "1"]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_numbers_that_json_does_not_have_are_null(tmp_path, value):
    with events_to(tmp_path / "e") as file:
        file.benchbench_cell_progress(cell(), Event("train", 1, 1, {"loss": value}))
    assert lines(tmp_path / "e")[0]["values"] == {"loss": None}


def test_names_with_line_ends_stay_in_one_line(tmp_path):
    with events_to(tmp_path / "e") as file:
        file.benchbench_cell_started(cell(method="a\nb\ud800"), 1, 1)
    assert len((tmp_path / "e").read_bytes().splitlines()) == 1


def test_a_file_that_cannot_be_written_is_told_in_one_line(tmp_path):
    with (
        pytest.raises(BenchbenchError, match="cannot be written"),
        events_to(tmp_path / "no" / "e"),
    ):
        raise AssertionError("it was opened")


class FullDisk(io.BytesIO):
    tries = 0

    def write(self, data):
        self.tries += 1
        raise OSError(28, "No space left on device")


def test_after_an_error_of_the_disk_nothing_more_is_written():
    disk = FullDisk()
    file = EventFile(disk)
    with pytest.raises(OSError, match="No space"):
        file.benchbench_cell_started(cell(), 1, 1)
    file.benchbench_cell_started(cell(), 1, 1)
    assert disk.tries == 1

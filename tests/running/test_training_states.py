"""A cell that was killed goes on from its state in the next run, and leaves none when done."""

from __future__ import annotations

import os
import time

import pytest

from benchbench.machine import out_of_memory_kills
from benchbench.records import STATES, all_records, open_store
from benchbench.running.training_states import sweep_states
from tests.support.building import install
from tests.support.commands import benchbench

DOOMED = '''
"""The embedding head, killed once where a file is absent; it saves its state after every step."""

import os
import signal
from pathlib import Path

from benchbench import hookimpl
from benchbench.kit.training import checkpoints
from benchbench_finetune.embedding_head import EmbeddingHead

checkpoints.LEAST_SECONDS, checkpoints.LARGEST_SHARE = 0.0, float("inf")


class Doomed(EmbeddingHead):
    name = "doomed"

    def fit(self, task):
        usual, mark, reports = task.report, Path(os.environ["MARK"]), []

        def report(*values):
            usual(*values)
            reports.append(values)
            if len(reports) == 5 and not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)

        object.__setattr__(task, "report", report)
        return super().fit(task)


@hookimpl
def benchbench_methods():
    return [Doomed()]
'''
WORDS = (
    *("run", "--dataset", "demo-claims", "--limit", 40, "--method", "doomed"),
    *("--backbone", "nano-llama", "--set", "epochs=2", "--set", "batch_size=8"),
    *("--quiet", "--seeds", 0),
)


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    return install(tmp_path_factory.mktemp("plugin"), "doomed", DOOMED)


def run(folder, plugin, mark, *words, code=0):
    path = os.pathsep.join([str(plugin), *filter(None, [os.environ.get("PYTHONPATH")])])
    old = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = path
    try:
        benchbench(folder, *WORDS, *words, code=code, MARK=str(mark))
    finally:
        os.environ.pop("PYTHONPATH") if old is None else os.environ.update(PYTHONPATH=old)
    return max(all_records(open_store(folder / "runs")), key=lambda record: record.attempt)


def test_a_killed_cell_goes_on_and_predicts_the_same(tmp_path, plugin):
    never, whole, again = (tmp_path / name for name in ("never", "whole", "again"))
    for folder in (whole, again):
        folder.mkdir()
    never.touch()
    expected = run(whole, plugin, never, "--store", "runs")
    assert expected.status == "ok"
    assert "training_state" not in expected.provenance

    killed = run(again, plugin, again / "mark", "--store", "runs", code=1)
    # where the kernel does not say why it kills, it is most often the lack of memory
    known = out_of_memory_kills() is not None
    assert killed.status == ("interrupted" if known else "oom")
    states = again / "runs" / STATES
    assert list(states.glob("*/*/1.json"))
    record = run(again, plugin, again / "mark", "--store", "runs", *([] if known else ["--force"]))
    assert record.status == "ok"
    (step,) = record.provenance["training_state"]["resumed_at_step"]
    assert 1 <= step <= 5
    assert record.predictions is not None
    assert {**record.facts, "backbone": 0} == {**expected.facts, "backbone": 0}
    assert record.cost["fit_seconds"] > record.cost["earlier_fit_seconds"] > 0
    assert [told(point) for point in record.curve] == [told(point) for point in expected.curve]
    assert record.artifacts == expected.artifacts
    assert not states.exists()


def told(point):
    """Return a point of the learning curve without what the clock decides."""
    clock = ("seconds", "documents_per_second")
    return {name: value for name, value in point.items() if name not in clock}


def test_without_checkpoints_nothing_is_kept(tmp_path, plugin):
    run(tmp_path, plugin, tmp_path / "mark", "--store", "runs", "--no-checkpoints", code=1)
    assert not (tmp_path / "runs" / STATES).exists()


def test_states_that_nobody_came_back_to_are_removed_after_a_week(tmp_path):
    store = open_store(tmp_path)
    old, new = (tmp_path / STATES / "cell" / key for key in ("old", "new"))
    for folder in (old, new):
        folder.mkdir(parents=True)
    week = time.time() - 8 * 24 * 3600
    os.utime(old, (week, week))
    sweep_states(store)
    assert new.exists()
    assert not old.exists()

"""Which GPU a cell gets, and when it has to wait."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from benchbench.machine import Device
from benchbench.machine.gpu_queries import Gpu
from benchbench.running.executors import gpu_places, local
from benchbench.running.executors.gpu_places import GpuPlace, Guest, place_for, places_on
from benchbench.running.executors.local import LocalExecutor

TWO = [GpuPlace("GPU-a", 80_000), GpuPlace("GPU-b", 80_000)]


def name(place):
    return place and place.name


@pytest.mark.parametrize(
    ("need", "guests", "expected"),
    [
        (None, [], "GPU-a"),
        (None, [Guest("GPU-a", 100)], "GPU-b"),
        (90_000, [Guest("GPU-a")], "GPU-b"),
        (30_000, [Guest("GPU-a", 30_000), Guest("GPU-b", 60_000)], "GPU-a"),
        (30_000, [Guest("GPU-a", 49_500), Guest("GPU-b", 50_000)], None),
        (None, [Guest("GPU-a", 100), Guest("GPU-b", 100)], None),
        (100, [Guest("GPU-a"), Guest("GPU-b", 100)], "GPU-b"),
        (100, [Guest("GPU-a", 9), Guest("GPU-b", 9), Guest("GPU-b", 9)], "GPU-a"),
    ],
)
def test_a_cell_gets_an_idle_gpu_or_one_that_holds_it(need, guests, expected):
    assert name(place_for(need, TWO, guests)) == expected


def test_a_gpu_of_unknown_memory_is_shared_by_none():
    assert place_for(1, [GpuPlace("0")], [Guest("0", 1)]) is None


def test_gpus_are_named_as_cuda_takes_them(monkeypatch):
    found = [Gpu("A", (9, 0), 80_000, "GPU-a"), Gpu("B", (9, 0), None)]
    monkeypatch.setattr(gpu_places, "usable_gpus", lambda: found)
    assert places_on(Device("cuda", "A", "bfloat16")) == (
        GpuPlace("GPU-a", 80_000),
        GpuPlace("1"),
    )
    assert places_on(Device("cpu", "A", "float32")) == ()


def test_the_executor_gives_each_cell_a_gpu_and_lets_the_others_wait(monkeypatch):
    """Children are stood in for by what they were given; each round the first of them ends."""
    given, finished = [], []

    def start(job, running, place=None):
        given.append((job.id, name(place)))
        running.append(SimpleNamespace(job=job, place=place, alive=True))

    def listen(running, progress):
        running[0].alive = False

    def finish(child, progress):
        finished.append(child.job.id)
        return child.job.id

    for function, value in (("_start", start), ("_listen", listen), ("_finish", finish)):
        monkeypatch.setattr(local, function, value)
    monkeypatch.setattr(local, "_end", lambda running, status: None)

    def job(number, need, backbone="llama"):
        cell = SimpleNamespace(backbone=backbone)
        return SimpleNamespace(id=number, cell=cell, memory_mib=need)

    jobs = [job(1, None), job(2, 50_000), job(3, 20_000), job(4, None), job(5, None, None)]
    executor = LocalExecutor(3, places=tuple(TWO))
    assert list(executor.run(jobs, lambda *_: None)) == finished
    assert given == [(1, "GPU-a"), (2, "GPU-b"), (3, "GPU-b"), (4, "GPU-a"), (5, None)]
    assert sorted(finished) == [1, 2, 3, 4, 5]

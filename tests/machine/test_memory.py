"""Peak memory: what a cell took above what stood at its start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchbench.machine import memory
from benchbench.machine.memory import CLEAR, out_of_memory_kills

linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")


def peaks(*steps):
    """Run steps in a fresh process and return the peak in MiB."""
    lines = ["from benchbench.machine.memory import PeakMemory", *steps]
    lines.append("print(memory.peaks()['peak_ram_mib'], memory.peaks()['peak_gpu_mib'])")
    answer = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True
    )
    ram, gpu = answer.stdout.split()
    assert gpu == "None"
    return int(ram)


TAKE = "block = bytearray(b'x') * (150 * 2**20)"
START = "memory = PeakMemory()"


@linux
def test_what_is_taken_after_the_start_counts():
    assert 145 <= peaks(START, TAKE) <= 175


@linux
def test_what_is_given_back_still_counts():
    assert 145 <= peaks(START, TAKE, "del block") <= 175


@linux
def test_what_stood_before_the_start_does_not_count():
    assert peaks(TAKE, START) <= 20


@linux
@pytest.mark.skipif(not CLEAR.exists(), reason="this system does not reset the peak")
def test_a_peak_before_the_start_does_not_count():
    assert peaks(TAKE, "del block", START) <= 20


@linux
def test_torch_is_not_imported_to_ask_for_a_gpu():
    assert (
        peaks("import sys", START, "assert memory.peaks()", "assert 'torch' not in sys.modules")
        < 50
    )


@pytest.mark.parametrize(
    ("content", "kills"), [("nr_free_pages 5\noom_kill 12\n", 12), ("oom_kill_x 1\n", None)]
)
def test_what_the_kernel_says_it_has_killed_is_read(tmp_path, monkeypatch, content, kills):
    monkeypatch.setattr(memory, "COUNTS", tmp_path / "vmstat")
    monkeypatch.setattr(memory, "GROUP", tmp_path / "no groups here")
    assert out_of_memory_kills() is None
    (tmp_path / "vmstat").write_text(content)
    assert out_of_memory_kills() == kills


def test_what_was_killed_in_another_control_group_is_not_counted(tmp_path, monkeypatch):
    (tmp_path / "vmstat").write_text("oom_kill 12\n")
    (tmp_path / "cgroup").write_text("1:cpu:/old\n0::/user/ours\n")
    events = tmp_path / "groups" / "user" / "ours" / "memory.events"
    events.parent.mkdir(parents=True)
    monkeypatch.setattr(memory, "COUNTS", tmp_path / "vmstat")
    monkeypatch.setattr(memory, "GROUP", tmp_path / "cgroup")
    monkeypatch.setattr(memory, "GROUPS", tmp_path / "groups")
    assert out_of_memory_kills() == 12  # a group without a count
    events.write_text("low 0\noom 3\noom_kill 2\n")
    assert out_of_memory_kills() == 2

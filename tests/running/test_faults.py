"""After any fault of the disk and one more run, the store is that of a run without a fault."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SWEEP = ROOT / "tests" / "perf" / "fault_sweep.py"

IN_PLACE = """
import sys
sys.argv = ["fault_sweep.py", "--quick", "--only", "suite,kill", "--share", "1/4"]
sys.path[:0] = [{tests!r}, {perf!r}]
from benchbench.machine import fsio

def write_new(path, data):
    if path.exists():
        return False
    with open(path, "wb", buffering=0) as file:
        for start in range(0, len(data), 500):
            file.write(data[start : start + 500])
    return True

fsio.write_new = write_new
import fault_sweep
fault_sweep.main()
"""
"""A store that writes its records in place, without a temporary."""


def test_after_any_fault_and_one_more_run_the_store_is_whole():
    done = subprocess.run([sys.executable, SWEEP, "--quick"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    faults = int(re.search(r"(\d+) faults", done.stdout)[1])
    assert faults > 150, done.stdout


def test_a_store_that_writes_in_place_would_be_noticed():
    program = IN_PLACE.format(tests=str(ROOT), perf=str(SWEEP.parent))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "torn record" in done.stdout

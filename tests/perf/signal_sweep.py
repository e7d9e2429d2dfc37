"""Stop a run at many moments, imports included, by a signal to its whole process group.

    python tests/perf/signal_sweep.py [--count 24] [--longest 12] [--seed 0] [--signal INT]

Each run is new: its dataset is not in the cache, and two cells run at once. A run that is stopped
must print one line and no traceback, end with 130 (SIGTERM: 143), leave no process and no record
but `ok` and `interrupted`. The first moment is after Python itself has started: what its own
start prints is beyond the reach of any program.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from benchbench.records.store import all_records, existing_store  # noqa: E402
from tests.support.commands import environment  # noqa: E402

EARLIEST = 0.15
MOST_SECONDS = 10.0
"""How long a stop may take: the patience with cells that ignore SIGTERM, and some load."""
GRID = """
[[block]]
datasets = [{use = "weather", documents = 10}]
methods = [{use = "faulty", as = "a", seconds = 2.0}, {use = "faulty", as = "b", seconds = 2.0}]
"""


def stopped_after(seconds: float, number: signal.Signals, folder: Path) -> list[str]:
    """Stop a run after that time; return what is wrong with how it ended."""
    (folder / "g.toml").write_text(GRID)
    command = [sys.executable, "-m", "benchbench", "run", "--grid", "g.toml", "--jobs", "2"]
    variables = environment(folder)
    variables["PYTHONPATH"] = os.pathsep.join(
        [str(ROOT), str(ROOT / "plugins"), variables["PYTHONPATH"]]
    )
    running = subprocess.Popen(
        command, cwd=folder, env=variables, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    time.sleep(seconds)
    if running.poll() is not None:
        running.communicate()
        return ["had ended before"]
    begun = time.monotonic()
    os.killpg(running.pid, number)
    try:
        _, err = running.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)
        return ["did not end"]
    faults = []
    if (took := time.monotonic() - begun) > MOST_SECONDS:
        faults.append(f"took {took:.1f} s")
    if running.returncode != 128 + number:
        faults.append(f"exit code {running.returncode}")
    if "Traceback" in err or err.count("benchbench: stopped.") != 1:
        faults.append(f"stderr: {err[-2000:]}")
    if left := processes_in(folder):
        faults.append(f"left running: {left}")
    return faults + records_of(folder)


def processes_in(folder: Path) -> list[str]:
    """Return the commands of processes whose environment names the folder, after a moment."""
    end = time.monotonic() + 5
    while True:
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if str(folder).encode() in (process / "environ").read_bytes():
                    found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
        if not found or time.monotonic() > end:
            return found
        time.sleep(0.05)


def records_of(folder: Path) -> list[str]:
    """Return the statuses that a stop must not leave behind."""
    store = folder / "benchbench-runs"
    if not (store / "runs").is_dir():
        return []
    statuses = {record.status for record in all_records(existing_store(store))}
    return [f"a record of status {status}" for status in statuses - {"ok", "interrupted"}]


def main() -> int:
    """Stop one run at each of many moments, and print what went wrong at which."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--longest", type=float, default=12.0, help="seconds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--signal", choices=["INT", "TERM"], default="INT")
    options = parser.parse_args()
    number = signal.Signals[f"SIG{options.signal}"]
    chance = random.Random(options.seed)
    wrong = 0
    for position in range(options.count):
        # one moment in each of `count` equal parts
        part = (options.longest - EARLIEST) / options.count
        moment = EARLIEST + part * (position + chance.random())
        with tempfile.TemporaryDirectory() as folder:
            faults = stopped_after(moment, number, Path(folder))
        wrong += faults not in ([], ["had ended before"])
        print(f"{moment:6.2f} s  {'; '.join(faults) or 'one line, nothing left'}", flush=True)
    print(f"{options.count} runs, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

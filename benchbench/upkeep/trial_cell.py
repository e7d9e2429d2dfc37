"""One tiny cell from end to end, in a store that is removed afterwards."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping

from benchbench.contract import StoreError
from benchbench.machine import one_line, temporary_folder
from benchbench.records import all_records, existing_store
from benchbench.upkeep.health import Health

WORDS = (
    "run", "--dataset", "demo-claims", "--method", "frozen-embedding", "--backbone", "nano-llama",
    "--limit", "60", "--seeds", "0", "--jobs", "1", "--no-cache", "--quiet",
)  # fmt: skip
SECONDS = 600.0
REMEDY = "Run it by hand to see more: benchbench " + " ".join(WORDS[:-1]) + " --store trial"


def check_cell(environment: Mapping[str, str] | None = None) -> Health:
    """Run a cell by the command line, as a user does, and return how it ended."""
    with temporary_folder() as folder:
        store = folder / "runs"
        words = [sys.executable, "-m", "benchbench", *WORDS, "--offline", "--store", str(store)]
        start = time.monotonic()
        try:
            done = subprocess.run(
                words, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                timeout=SECONDS,
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError) as error:
            return Health("fault", "cell", f"it did not end ({one_line(error)})", REMEDY)
        seconds = time.monotonic() - start
        try:
            (record,) = all_records(existing_store(store))
        except (StoreError, ValueError):
            said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            return Health("fault", "cell", f"it did not run ({said[-1]})", REMEDY)
    if record.status != "ok":
        found = f"{record.cell.title} ended with {record.status}: {record.reason}"
        return Health("fault", "cell", found, REMEDY)
    return Health("ok", "cell", f"{record.cell.title} has a result after {seconds:.0f} s")

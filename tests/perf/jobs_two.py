"""Print how long a grid takes with one cell at once and with two, in turn, on the cores there are.

Run it: python tests/perf/jobs_two.py [options of benchbench run; default: --grid smoke]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent))

from grid_profile import run_grid

ROUNDS = 3


def main() -> None:
    """Run the grid three times each way; whatever else the machine does falls on both alike."""
    words = sys.argv[1:] or ["--grid", "smoke"]
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(ROUNDS):
        for jobs in seconds:
            with tempfile.TemporaryDirectory() as folder:
                phases = run_grid(Path(folder), [*words, "--jobs", str(jobs)])
            seconds[jobs].append(phases["cells run"])
            print(f"--jobs {jobs}: cells in {phases['cells run']:.1f} s", flush=True)
    ratios = [one / two for one, two in zip(seconds[1], seconds[2], strict=True)]
    told = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    print(f"--jobs 2 is {median(ratios):.2f} times as fast ({told})")


if __name__ == "__main__":
    main()

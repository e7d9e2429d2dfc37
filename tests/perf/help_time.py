"""How long `benchbench --help` takes beside a Python that imports click alone, in turn.

    python tests/perf/help_time.py

The target is 0.3 seconds for the fastest of ten on an idle machine.
"""

from __future__ import annotations

import subprocess
import sys
import time

COMMANDS = {
    "benchbench --help": ["-m", "benchbench", "--help"],
    "import click": ["-c", "import click"],
}


def main() -> None:
    """Print the fastest of ten runs of each."""
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(10):
        for name, words in COMMANDS.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
            seconds[name].append(time.perf_counter() - start)
    for name, taken in seconds.items():
        print(f"{name}: {min(taken):.2f} s")


if __name__ == "__main__":
    main()

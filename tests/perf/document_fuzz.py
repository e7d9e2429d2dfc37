"""Every wrong value in every field of every document of a store, read by every command.

    python -m tests.perf.document_fuzz [START [STEP]]

Prints every command that ends in anything but its result or one line, and how many were run. A
document that its reader refuses is given to one command, the commands taking turns; any other is
given to all of them.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.support.document_fuzz import (
    CHANGES,
    again,
    commands,
    fault,
    is_refused,
    packed,
    places,
    plant,
    planted,
    quicken,
)


def main(start=0, step=1):
    """Run the whole product, or every STEP-th change from START on."""
    quicken()
    begin = time.perf_counter()
    found = Found()
    with tempfile.TemporaryDirectory() as name:
        whole, root = planted(Path(name) / "made"), Path(name) / "store"
        cases = [(place, change) for place in places(whole) for change in CHANGES]
        for number, (place, change) in enumerate(cases[start::step]):
            again(whole, root)
            if path := plant(root, place, change):
                packed(root)
                found.documents += 1
                every = commands(root, whole)
                refused = is_refused(root, path)
                found.refused += refused
                for words in [every[number % len(every)]] if refused else every:
                    found.run(f"{place.name} {change}", words)
                    again(whole, root)
                    plant(root, place, change)
    print(f"{found}, {time.perf_counter() - begin:.0f} s")
    return 1 if found.wrong else 0


@dataclass
class Found:
    """What was counted so far."""

    documents: int = 0
    refused: int = 0
    runs: int = 0
    wrong: int = 0

    def run(self, what, words):
        """Run a command, and print how it ended where that is wrong."""
        self.runs += 1
        if ended := fault(words):
            self.wrong += 1
            print(f"{what}: {' '.join(map(str, words))}: {ended}", flush=True)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))

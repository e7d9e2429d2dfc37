"""Print one table of how fast we are beside what a user would pick instead.

Run it: python tests/perf/side_by_side.py [--seeds 3]     (half an hour on two idle cores)

Each peer comes from PyPI into a virtual environment of its own, once; see `training_speed.py`
and `scoring_speed.py`, which print their parts alone.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import scoring_speed
import training_speed
from peers.ratio import table


def main() -> None:
    """Print the ratios, and what 451 labels cost beside 77."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--documents", type=int, default=256)
    parser.add_argument("--peer-documents", type=int, default=32)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = list(training_speed.ratios(arguments.seeds, None))
        found += scoring_speed.ratios(arguments.documents, arguments.peer_documents, folder)
        print(table(found))
        print(f"\n{scoring_speed.growth(folder, arguments.documents)}")


if __name__ == "__main__":
    main()

"""Print what a cell costs beside its training and prediction, and what a finished grid costs.

Run it: python tests/perf/cell_overhead.py
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

SEEDS = "0,1,2,3"
WORK = ("fit_seconds", "predict_validation_seconds", "predict_test_seconds")


def main() -> None:
    """Run four cells of a small Llama in NF4 on the example table, twice."""
    from benchbench.records.store import Store, all_records
    from tests.support.commands import benchbench
    from tests.support.models import write_model

    table = ROOT / "tests" / "data" / "messages.csv"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_model(folder / "small", [table.read_text(encoding="utf-8")], hidden=64, layers=5)
        words = ("run", "--csv", table, "--text", "text", "--label", "topic", "--seeds", SEEDS,
                 "--method", "embedding-head", "--backbone", "./small", "--limit", 100)  # fmt: skip
        seconds = []
        for _ in range(2):
            start = time.perf_counter()
            benchbench(folder, *words)
            seconds.append(time.perf_counter() - start)
        records = all_records(Store(folder / "benchbench-runs"))
    beside = [r.cost["wall_seconds"] - sum(r.cost[stage] for stage in WORK) for r in records]
    print(f"beside training and prediction: {sum(beside) / len(beside):.2f} s a cell")
    print(f"the grid: {seconds[0]:.1f} s; finished, a second time: {seconds[1]:.1f} s")


if __name__ == "__main__":
    main()

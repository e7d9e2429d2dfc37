"""Print where the seconds of a grid went.

Run it: python tests/perf/grid_profile.py --grid default            (runs it, with fresh caches)
        python tests/perf/grid_profile.py --records leaderboards/default.zip --wall 322
More options of `benchbench run` may follow, as in: --grid smoke --jobs 1 --only method=encoder
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchbench.contract.record import Record  # noqa: E402
from benchbench.publishing.publication import opened  # noqa: E402
from benchbench.records.store import all_records  # noqa: E402

STAGES = {
    "open": "plugins, corpus opened",
    "load": "model loaded",
    "check": "saved, loaded and asked again",
    "save": "saving",
    "write": "predictions written",
}
"""Outside of training and prediction; the process's start and end are the rest of its wall time."""
PREDICTION = ("predict_validation", "predict_test")
SIGNS = (
    ("the command starts", re.compile(r"Reading dataset")),
    ("datasets are read", re.compile(r"\d+ cells? \(")),
    ("cells run", re.compile(r"Computing intervals and tests")),
    ("values, intervals and tests are computed, the board written", None),
)
"""Each phase ends with the line that matches."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Process-seconds of all cells by stage."""

    cells: int
    at_once: int
    wall: float
    training: float
    prediction: float
    outside: dict[str, float]

    @classmethod
    def of(cls, records: Sequence[Record]) -> Spent:
        """Sum up the records. Seconds that a cache credited did not pass, and are taken off."""

        def total(stage: str) -> float:
            return sum(float(record.cost.get(f"{stage}_seconds") or 0.0) for record in records)

        wall, tokenizing = total("wall"), total("tokenize")
        work = total("fit") + sum(map(total, PREDICTION)) - total("cache") - tokenizing
        outside = {"tokenizing": tokenizing}
        outside |= {title: total(stage) for stage, title in STAGES.items()}
        outside["process started, imports, ended"] = wall - work - sum(outside.values())
        prediction = min(work, sum(map(total, PREDICTION)))
        at_once = 1 + max(int(record.cost.get("cells_beside") or 0) for record in records)
        return cls(len(records), at_once, wall, work - prediction, prediction, outside)

    def table(self, wall: float) -> str:
        """Return a markdown table whose shares are of `wall` times the cells at once."""
        whole = wall * self.at_once
        rows = {"training": self.training, "prediction": self.prediction, **self.outside}
        rows["before, between and after the cells"] = whole - self.wall
        lines = ["| where | seconds | per cell | share |", "| --- | ---: | ---: | ---: |"]
        lines += [
            f"| {title} | {seconds:.1f} | {seconds / self.cells:.3f} | {seconds / whole:.1%} |"
            for title, seconds in rows.items()
        ]
        outside = sum(self.outside.values())
        share = 1 - (self.training + self.prediction) / whole
        lines += [
            "",
            f"{self.cells} cells in {wall:.1f} s, {self.at_once} at once. Outside training and "
            f"prediction: {share:.1%} of the time (target: 15 %), {outside / self.cells:.2f} s a "
            "cell (target: 1 s).",
        ]
        return "\n".join(lines)


def run_grid(folder: Path, words: Sequence[str]) -> dict[str, float]:
    """Run `benchbench run` in an empty folder; return the seconds of its phases."""
    from tests.support.commands import environment

    command = [sys.executable, "-m", "benchbench", "run", *words]
    start = last = time.perf_counter()
    phases: dict[str, float] = {}
    with subprocess.Popen(
        command, cwd=folder, env=environment(folder, COLUMNS="400"), text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    ) as running:  # fmt: skip
        for line in running.stderr or ():
            title, sign = SIGNS[len(phases)]
            if sign is not None and sign.match(line):
                phases[title], last = time.perf_counter() - last, time.perf_counter()
    if running.returncode:
        raise SystemExit(f"benchbench run {' '.join(words)} ended with code {running.returncode}")
    phases[SIGNS[-1][0]] = time.perf_counter() - last
    return {**phases, "all": time.perf_counter() - start}


def main() -> None:
    """Print the phases of a run, if there was one, and the stages of its cells."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=Path, help="a store or a published archive")
    parser.add_argument("--wall", type=float, help="with --records: seconds that the run took")
    known, words = parser.parse_known_args()
    if known.records and known.wall:
        with opened(known.records) as store:
            print(Spent.of(all_records(store)).table(known.wall))
        return
    if known.records or not words:
        parser.error("give --records with --wall, or options of 'benchbench run'")
    with tempfile.TemporaryDirectory() as name:
        phases = run_grid(Path(name), words)
        with opened(Path(name, "benchbench-runs")) as store:
            records = all_records(store)
    for title, seconds in phases.items():
        print(f"{title}: {seconds:.1f} s")
    print(f"\n{Spent.of(records).table(phases['all'])}")


if __name__ == "__main__":
    main()

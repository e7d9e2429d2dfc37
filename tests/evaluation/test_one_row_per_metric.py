"""Adding a metric touches one source file: it takes one row of the registry."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import benchbench
from tests.support.predicted import store_of

CORE = Path(benchbench.__file__).parent
ROW = """
    Metric("first_label", "first label", "guesses", BOTH,
           lambda scored: AdditiveMetric.mean(scored.decided()[:, 0])),
"""


def test_a_row_in_the_registry_gives_a_column_a_value_an_interval_and_tests(tmp_path):
    shutil.copytree(CORE, tmp_path / "benchbench", ignore=shutil.ignore_patterns("__pycache__"))
    registry = tmp_path / "benchbench" / "evaluation" / "registry.py"
    source = registry.read_text()
    start = "METRICS: tuple[Metric, ...] = ("
    assert source.count(start) == 1
    registry.write_text(source.replace(start, start + ROW))
    store, _ = store_of(tmp_path)

    def benchbench(*words):
        command = [sys.executable, "-m", "benchbench", *words]
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    words = ("leaderboard", "--store", str(store.root), "--format", "markdown")
    table = next(part for part in benchbench(*words).split("### ") if "Guesses" in part)
    assert "| method | backbone | first label | " in table
    row = next(line for line in table.splitlines() if "| head |" in line)
    assert float(row.split(" | ")[3].split()[0]) > 0
    ranked = benchbench(*words, "--metric", "first_label").splitlines()
    header = next(line for line in ranked if line.startswith("| \\# |")).split(" | ")
    assert header[3] == "first label"
    cells = next(line for line in ranked if line.startswith("| 1 |")).split(" | ")
    low, high = map(float, cells[header.index("95 % interval, n = 120")].split(" to "))
    assert low < float(cells[3]) < high
    assert cells[header.index("tied, these trained models")] == "a"
    pair = benchbench("compare", "head", "tfidf", "--store", str(store.root),
                      "--metric", "first_label")  # fmt: skip
    assert "claims: first label" in pair
    assert "by paired randomisation" in pair

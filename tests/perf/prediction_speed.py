"""Print how fast `benchbench predict` labels 100,000 short texts, beside scikit-learn itself.

Run it: python tests/perf/prediction_speed.py [--texts 100000]

tfidf-svm is trained on the invented messages of the tests. Its own vectorizer and planes then
predict the same texts in one loop over parts of 4,096, in turn with the command, which reads a CSV
file and writes another. The command's time is without its start and the loading of the classifier.
"""

from __future__ import annotations

import argparse
import csv
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MESSAGES = ROOT / "tests" / "data" / "messages.csv"
ROUNDS = 3


def texts_of(count: int) -> list[str]:
    """Return messages of the tests, each with a number, so that none stands twice."""
    with MESSAGES.open(encoding="utf-8") as file:
        rows = [row["text"] for row in csv.DictReader(file)]
    draw = random.Random(0)
    return [f"{draw.choice(rows)} Number {number}." for number in range(count)]


def by_command(folder: Path, source: Path) -> tuple[float, float]:
    """Return texts per second as the command tells them, and its peak memory in MB."""
    command = [sys.executable, "-m", "benchbench", "predict", "tfidf-svm", "--store", "runs",
               "--input", str(source), "--output", "out.csv"]  # fmt: skip
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    line = next(line for line in done.stderr.splitlines() if "per second" in line)
    rate = float(line.rpartition("s, ")[2].split()[0].replace(",", ""))
    return rate, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000


def by_itself(folder: Path, texts: list[str]) -> float:
    """Return texts per second of the same classifier without anything around it."""
    import benchbench

    classifier = benchbench.load(folder / "runs", "tfidf-svm").classifier
    start = time.perf_counter()
    for first in range(0, len(texts), 4096):
        classifier.predict_logits(texts[first : first + 4096])
    return len(texts) / (time.perf_counter() - start)


def main() -> None:
    """Train, predict in turn, and print the rates and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=100_000)
    arguments = parser.parse_args()
    texts = texts_of(arguments.texts)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "new.csv"
        with source.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([["text"], *([text] for text in texts)])
        words = ["run", "--csv", str(MESSAGES), "--text", "text", "--label", "topic",
                 "--method", "tfidf-svm", "--store", "runs"]  # fmt: skip
        subprocess.run([sys.executable, "-m", "benchbench", *words], cwd=folder, check=True,
                       capture_output=True)  # fmt: skip
        pairs = [(by_command(folder, source), by_itself(folder, texts)) for _ in range(ROUNDS)]
    rates = [rate for (rate, _), _ in pairs]
    ours, alone = statistics.median(rates), statistics.median(alone for _, alone in pairs)
    print(f"benchbench predict: {ours:,.0f} texts per second, peak {pairs[-1][0][1]:,.0f} MB")
    print(f"scikit-learn alone: {alone:,.0f} texts per second; ratio {ours / alone:.2f}")


if __name__ == "__main__":
    main()

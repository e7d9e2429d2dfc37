"""Print what the jackknife and the randomisation test of macro-F1 cost, and against a plain loop.

Run it: python tests/perf/jackknife_speed.py
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchbench.contract import LabelFacts, LabelSpace, Predictions, ScoredSplit, Tuning
from benchbench.evaluation.clusters import SystemRuns
from benchbench.evaluation.f1 import macro_f1
from benchbench.evaluation.jackknife import estimate_difference, p_value, variation
from benchbench.evaluation.randomisation import draws_for, randomisation_test

SYSTEMS, DOCUMENTS, LABELS = 20, 30_000, 451
SMALL = ((1, 3_000, 50), (5, 3_000, 50), (1, 30_000, 451))
LOOPED, REPEATS = 200, 3


def labelled(systems: int, documents: int, labels: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return gold and the decisions of systems that are right 65 % of the time; a long tail."""
    generator = np.random.default_rng(0)
    share = 1 / np.arange(1, labels + 1) ** 0.8
    share /= share.sum()
    gold = generator.choice(labels, documents, p=share)
    guesses = [generator.choice(labels, documents, p=share) for _ in range(systems)]
    return gold, [np.where(generator.random(documents) < 0.65, gold, guess) for guess in guesses]


def system(gold: np.ndarray, decided: np.ndarray, labels: int) -> SystemRuns:
    """Return macro-F1 of one run of a system."""
    right, chosen = (np.arange(labels) == each[:, None] for each in (gold, decided))
    names = tuple(f"{label:06}" for label in range(labels))
    empty = ("",) * len(gold)
    predictions = Predictions(empty, right, gold, empty, chosen.astype(np.float32))
    tuning = Tuning(0.0, np.zeros(labels), None)
    return [
        macro_f1(ScoredSplit("single-label", predictions, LabelFacts(LabelSpace(names)), tuning))
    ]


def loop(gold: np.ndarray, decided: list[np.ndarray], labels: int) -> np.ndarray:
    """Return macro-F1 without each of the first documents, by scikit-learn."""
    from sklearn.metrics import f1_score

    found = np.empty((len(decided), LOOPED))
    for left_out in range(LOOPED):
        kept = np.arange(len(gold)) != left_out
        for place, run in enumerate(decided):
            found[place, left_out] = f1_score(
                gold[kept], run[kept], labels=range(labels), average="macro", zero_division=0.0
            )
    return found


def side_by_side(systems: int, documents: int, labels: int) -> None:
    """Print how much faster the jackknife is than the loop."""
    gold, decided = labelled(systems, documents, labels)
    ours, loops = [], []
    for _ in range(REPEATS):
        board = [system(gold, run, labels) for run in decided]
        start = time.perf_counter()
        found = [variation(runs, np.arange(documents), seeds=False).left_out for runs in board]
        middle = time.perf_counter()
        expected = loop(gold, decided, labels)
        ours.append(1000 * (middle - start) / documents)
        loops.append(1000 * (time.perf_counter() - middle) / LOOPED)
    difference = np.abs(np.stack(found)[:, :LOOPED] - expected).max()
    print(
        f"systems {systems}, {documents} documents, {labels} labels: {min(ours):.4f} ms per "
        f"document left out; a loop over scikit-learn {min(loops):.2f} ms, "
        f"{min(loops) / min(ours):.0f} times as long; largest difference {difference:.0e}",
        flush=True,
    )


def timed(name: str, start: float) -> None:
    """Print the seconds since `start` and the peak memory of this process."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name}: {time.perf_counter() - start:.1f} s, peak {peak:.0f} MiB", flush=True)


def main() -> None:
    """Print the large case with its peak memory, then the comparisons."""
    gold, decided = labelled(SYSTEMS, DOCUMENTS, LABELS)
    board = [system(gold, run, LABELS) for run in decided]
    cluster = np.arange(DOCUMENTS)
    pairs = SYSTEMS * (SYSTEMS - 1) // 2
    print(f"{SYSTEMS} systems, {DOCUMENTS} documents, {LABELS} labels")
    start = time.perf_counter()
    varied = [variation(runs, cluster, seeds=False) for runs in board]
    timed("jackknife of all systems", start)
    start = time.perf_counter()
    for place, first in enumerate(varied):
        for second in varied[:place]:
            p_value(estimate_difference(first, second))
    timed(f"difference and p of {pairs} pairs", start)
    start = time.perf_counter()
    randomisation_test(board, cluster, draws=draws_for(pairs))
    timed(f"randomisation of {pairs} pairs, {draws_for(pairs)} draws", start)
    for case in SMALL:
        side_by_side(*case)


if __name__ == "__main__":
    main()

"""Print what the bootstrap and the randomisation test of macro-F1 cost, and against a plain loop.

Run it: python tests/perf/resampling_speed.py
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchbench.evaluation.resampling import SystemRuns, bootstrap

from benchbench.contract import LabelFacts, LabelSpace, Predictions, ScoredSplit, Tuning
from benchbench.evaluation.f1 import macro_f1
from benchbench.evaluation.randomisation import draws_for, randomisation_test

SYSTEMS, DOCUMENTS, LABELS, DRAWS = 20, 30_000, 451, 10_000
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
    """Return the first draws of `bootstrap`, by scikit-learn on rebuilt documents."""
    from sklearn.metrics import f1_score

    generator = np.random.default_rng(0).spawn(1)[0]
    found = np.empty((len(decided), LOOPED))
    for draw in range(LOOPED):
        chosen = generator.integers(len(gold), size=len(gold))
        for place, run in enumerate(decided):
            found[place, draw] = f1_score(
                gold[chosen], run[chosen], labels=range(labels), average="macro", zero_division=0.0
            )
    return found


def side_by_side(systems: int, documents: int, labels: int) -> None:
    """Print how much faster the bootstrap, jackknife included, is than the loop."""
    gold, decided = labelled(systems, documents, labels)
    ours, loops = [], []
    for _ in range(REPEATS):
        board = [system(gold, run, labels) for run in decided]
        start = time.perf_counter()
        found = bootstrap(board, np.arange(documents), draws=DRAWS)
        middle = time.perf_counter()
        expected = loop(gold, decided, labels)
        ours.append(1000 * (middle - start) / DRAWS)
        loops.append(1000 * (time.perf_counter() - middle) / LOOPED)
    difference = np.abs(found.draws[:, :LOOPED] - expected).max()
    print(
        f"systems {systems}, {documents} documents, {labels} labels: {min(ours):.3f} ms a resample "
        f"of {DRAWS}, jackknife included; a loop over scikit-learn {min(loops):.2f} ms, "
        f"{min(loops) / min(ours):.0f} times as long; largest difference {difference:.0e}",
        flush=True,
    )


def main() -> None:
    """Print the large case with its peak memory, then the comparisons."""
    gold, decided = labelled(SYSTEMS, DOCUMENTS, LABELS)
    board = [system(gold, run, LABELS) for run in decided]
    cluster = np.arange(DOCUMENTS)
    exchanges = draws_for(SYSTEMS * (SYSTEMS - 1) // 2)
    for name, test, draws in (
        ("bootstrap and jackknife", bootstrap, DRAWS),
        ("randomisation of all pairs", randomisation_test, exchanges),
    ):
        start = time.perf_counter()
        test(board, cluster, draws=draws)
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{name}: {SYSTEMS} systems, {DOCUMENTS} documents, {LABELS} labels, {draws} draws: "
            f"{seconds:.1f} s, peak {peak:.0f} MiB",
            flush=True,
        )
    for case in SMALL:
        side_by_side(*case)


if __name__ == "__main__":
    main()

"""Print how often 95 % intervals hold the truth, and how often equal systems are told apart.

Run it: python tests/perf/interval_coverage.py [boards]

A board is a test split drawn from a population whose joint distribution of gold and decided label
is known; the truth is the metric of that distribution (macro-F1 of expected counts). A decision is
right with the label's skill, 0.9 for the most frequent label falling to 0.5 for the rarest; else it
is a guess by the labels' shares. Labels: 8 of equal share; 50 whose share falls with 1 / rank.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product
from multiprocessing import Pool
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchbench.evaluation.resampling import bca_interval, bootstrap, percentile_interval
from tests.evaluation.test_resampling import accuracy, macro_f1

from benchbench.evaluation.randomisation import randomisation_test

BOARDS, DRAWS = 2_000, 1_000
PROCESSES = 2
METRICS = (accuracy, macro_f1)
SIZES = (500, 3_000)
COPIED = (0.0, 0.7)
"""The share of documents where the second system decides as the first one does."""


@dataclass(frozen=True)
class Population:
    """Labels with their shares of documents, and how well each is recognised."""

    name: str
    share: np.ndarray
    skill: np.ndarray

    def truth(self) -> np.ndarray:
        """Return accuracy and macro-F1 of the joint distribution of gold and decided label."""
        guessed = (1 - self.skill)[:, None] * self.share
        joint = self.share[:, None] * (np.diag(self.skill) + guessed)
        right = np.diag(joint)
        return np.array([right.sum(), (2 * right / (joint.sum(axis=0) + joint.sum(axis=1))).mean()])

    def documents(self, number: int, generator: np.random.Generator) -> np.ndarray:
        """Draw gold labels, int [documents]."""
        return generator.choice(len(self.share), number, p=self.share)

    def decide(self, gold: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Draw decisions on documents of these gold labels."""
        guess = self.documents(len(gold), generator)
        return np.where(generator.random(len(gold)) < self.skill[gold], gold, guess)


def populations() -> tuple[Population, ...]:
    """Return the balanced and the long-tailed labels."""
    zipf = 1 / np.arange(1, 51)
    return (
        Population("8, balanced", np.full(8, 1 / 8), np.linspace(0.9, 0.5, 8)),
        Population("50, long tail", zipf / zipf.sum(), np.linspace(0.9, 0.5, 50)),
    )


def interval_board(population: Population, size: int, seed: int) -> np.ndarray:
    """Return [6, metrics]: low and high of both intervals, the value, and the mean of draws."""
    generator = np.random.default_rng(seed)
    gold = population.documents(size, generator)
    decided = population.decide(gold, generator)
    board = [[metric(gold, decided, len(population.share))] for metric in METRICS]
    found = bootstrap(board, np.arange(size), DRAWS, int(generator.integers(2**32)))
    percentile = percentile_interval(found.draws)
    bca = bca_interval(found.observed, found.draws, found.jackknife)
    return np.stack([*percentile, *bca, found.observed, found.draws.mean(axis=1)])


def equal_board(population: Population, size: int, copied: float, seed: int) -> np.ndarray:
    """Return [metrics]: whether two equally good systems are told apart at the 5 % level."""
    generator = np.random.default_rng(seed)
    gold = population.documents(size, generator)
    first, second = (population.decide(gold, generator) for _ in range(2))
    second = np.where(generator.random(size) < copied, first, second)
    boards = (
        [[metric(gold, run, len(population.share))] for run in (first, second)]
        for metric in METRICS
    )
    # not the seed of the documents: the exchanges would follow them
    own = int(generator.integers(2**32))
    p = [randomisation_test(board, np.arange(size), DRAWS - 1, own)[0, 1] for board in boards]
    return np.array(p) <= 0.05


def over_boards(board: Callable[[int], np.ndarray], boards: int) -> np.ndarray:
    """Return what a board gives for every seed, [boards, ...]."""
    with Pool(PROCESSES) as pool:
        return np.array(pool.map(board, range(boards), chunksize=20))


def print_coverage(boards: int) -> None:
    """Print a row for every set of labels, number of documents and metric.

    `expected` is the mean value over boards. "basic" is the percentile interval turned around the
    value, and the last two columns say how often the intervals hold `expected`, not the truth.
    """
    print("| labels | documents | metric | truth | expected | mean of draws - value ", end="")
    print("| percentile | BCa | basic | percentile: expected | BCa: expected |")
    print("|" + " --- |" * 11)
    for population, size in product(populations(), SIZES):
        found = over_boards(partial(interval_board, population, size), boards)
        for number, (metric, truth) in enumerate(zip(METRICS, population.truth(), strict=True)):
            low, high, bca_low, bca_high, value, drawn = found[:, :, number].T
            intervals = (low, high), (bca_low, bca_high), (2 * value - high, 2 * value - low)
            expected = value.mean()
            cells = [
                *(f"{held(*interval, truth):.1%}" for interval in intervals),
                *(f"{held(*interval, expected):.1%}" for interval in intervals[:2]),
            ]
            print(
                f"| {population.name} | {size} | {metric.__name__} | {truth:.3f} | {expected:.3f} "
                f"| {(drawn - value).mean():+.3f} | {' | '.join(cells)} |",
                flush=True,
            )


def held(low: np.ndarray, high: np.ndarray, truth: float) -> float:
    """Return the share of intervals that hold a value."""
    return float(((low <= truth) & (truth <= high)).mean())


def print_false_positives(boards: int) -> None:
    """Print a row for every set of labels, share of equal decisions and metric."""
    size = SIZES[0]
    print(f"\n{size} documents:\n\n| labels | decided alike | metric | told apart |")
    print("| --- | --- | --- | --- |")
    for population, copied in product(populations(), COPIED):
        found = over_boards(partial(equal_board, population, size, copied), boards).mean(axis=0)
        for metric, share in zip(METRICS, found, strict=True):
            print(
                f"| {population.name} | {copied:.0%} | {metric.__name__} | {share:.1%} |",
                flush=True,
            )


def main() -> None:
    """Print both tables."""
    boards = int(sys.argv[1]) if len(sys.argv) > 1 else BOARDS
    print(f"{boards} boards a row, {DRAWS} draws a board\n")
    print_coverage(boards)
    print_false_positives(boards)


if __name__ == "__main__":
    main()

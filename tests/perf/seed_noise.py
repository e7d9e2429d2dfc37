"""Print how often equal methods are called different, and how often intervals hold the truth.

Run it: python tests/perf/seed_noise.py [boards]

Two methods have the same expected score; the skill of each trained model deviates from it by its
seed. Documents differ in difficulty, for everybody, for a method and for a single model. "Seeds
left out" is the verdict that takes the trained models for the methods.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from itertools import product
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from scipy.special import ndtri

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchbench.contract import AdditiveMetric
from benchbench.evaluation.jackknife import (
    estimate,
    estimate_difference,
    interval,
    p_value,
    variation,
)
from tests.evaluation.test_jackknife import accuracy, macro_f1

BOARDS, PROCESSES, LABELS = 2_000, 2, 5
LEVEL = 0.05
SIZES, DEVIATIONS, SEEDS = (200, 3_000), (0.0, 0.01, 0.02, 0.03), (3, 5)
SCORES = (0.75, 0.95)
SHARED, OWN = 0.6, 0.4
"""The parts of a document's difficulty for everybody and for all seeds of a method; the rest is for
one model. As standard deviations: their squares and the rest's add up to 1."""


@dataclass(frozen=True)
class Case:
    """A test split's size, the expected score, the deviation of seeds, and both numbers of seeds.

    A method whose result does not depend on the seed has 0 seeds here, and one run.
    """

    size: int
    score: float
    deviation: float
    first: int
    second: int


def system(
    case: Case, seeds: int, gold: np.ndarray, shared: np.ndarray, generator: np.random.Generator
) -> list[np.ndarray]:
    """Return the decisions of every run, int [documents] each: gold, or the next label."""
    own = generator.standard_normal(case.size)
    rest = (1 - SHARED**2 - OWN**2) ** 0.5
    decided = []
    for _ in range(max(1, seeds)):
        deviation = case.deviation if seeds else 0.0
        skill = np.clip(case.score + deviation * generator.standard_normal(), 0.001, 0.999)
        hard = SHARED * shared + OWN * own + rest * generator.standard_normal(case.size)
        decided.append(np.where(hard < ndtri(skill), gold, (gold + 1) % LABELS))
    return decided


def board(case: Case, seed: int) -> list[bool]:
    """Return for accuracy and macro-F1: different, different without seeds, and interval held."""
    generator = np.random.default_rng(seed)
    gold = generator.integers(LABELS, size=case.size)
    shared = generator.standard_normal(case.size)
    both = [system(case, seeds, gold, shared, generator) for seeds in (case.first, case.second)]
    cluster = np.arange(case.size)
    found = []
    for metric in (accuracy, macro_f1):
        runs: list[list[AdditiveMetric]] = [
            [metric(gold, run, LABELS) for run in decided] for decided in both
        ]
        included, left_out = (
            [
                variation(each, cluster, seeds=bool(seeds and include))
                for each, seeds in zip(runs, (case.first, case.second), strict=True)
            ]
            for include in (True, False)
        )
        bounds = interval(estimate(included[0]), (0.0, 1.0))
        found += [
            p_value(estimate_difference(*included)) < LEVEL,
            p_value(estimate_difference(*left_out)) < LEVEL,
            # both metrics expect the score: labels are even, and errors go to the next label
            bounds is not None and bounds[0] <= case.score <= bounds[1],
        ]
    return found


def main() -> None:
    """Print a row for every case."""
    boards = int(sys.argv[1]) if len(sys.argv) > 1 else BOARDS
    print(f"{boards} boards per row; in %: how often equal methods are called different at 5 %, "
          "and how often the interval of the first holds its expected score\n")  # fmt: skip
    print("| seeds | documents | score | deviation of seeds | accuracy: different | seeds left out "
          "| held | macro-F1: different | seeds left out | held |")  # fmt: skip
    print("| --- |" + " ---: |" * 9)
    levels = []
    with Pool(PROCESSES) as pool:
        for seeds, size, score, deviation in product(
            ((3, 3), (5, 5), (3, 5), (3, 0)), SIZES, SCORES, DEVIATIONS
        ):
            if score + 2 * deviation > 1:
                continue  # a skill above 1 is cut off, so that the expected score is another
            case = Case(size, score, deviation, *seeds)
            shares = 100 * np.mean(
                pool.map(partial(board, case), range(boards), chunksize=20), axis=0
            )
            levels += [shares[0], shares[3]]
            against = f"{seeds[1]}" if seeds[1] else "no seed"
            print(f"| {seeds[0]} and {against} | {size:,} | {score} | {deviation} | "
                  + " | ".join(f"{share:.1f}" for share in shares) + " |", flush=True)  # fmt: skip
    print(f"\ncalled different, seeds included: {min(levels):.1f} to {max(levels):.1f} %")


if __name__ == "__main__":
    main()

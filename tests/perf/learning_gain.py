"""Print how often the interval of the expected gain holds the gain of a planted curve.

Run it: python tests/perf/learning_gain.py [boards]

A board has the scores of four shares of the training documents, drawn around a power law: the noise
of the documents is mostly shared, that of three seeds is not, and where it falls it is twice as
large on the smallest share. Fit, refusals and the covariance of the seeds are those of the harness.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchbench.evaluation import MeasuredScores, NotDetermined, fit_power_law, joint_covariance
from benchbench.evaluation.jackknife import SeedNoise, Variation

BOARDS, SEEDS, CLUSTERS = 200, 3, 400
DOCUMENTS = np.array([100, 200, 400, 800])
CURVES = ((0.95, 2.0, 0.5), (0.9, 1.0, 0.2), (0.8, 3.0, 0.7), (1.0, 1.2, 0.15), (0.7, 0.0, 0.5))
NOISES = ((0.01, 0.0), (0.03, 0.0), (0.01, 0.02), (0.005, 0.03), (0.02, 0.01))
"""The standard error by documents, and the deviation of a seed."""


def drawn(
    true: np.ndarray, error: float, deviations: np.ndarray, random: np.random.Generator
) -> list[Variation]:
    """Return how the scores of a board vary, with the values that it happens to have."""
    shares = len(true)
    root = np.linalg.cholesky(0.8 * np.ones((shares, shares)) + 0.2 * np.eye(shares))
    left_out = root @ random.normal(size=(shares, CLUSTERS)) * error / CLUSTERS**0.5
    left_out -= left_out.mean(axis=1, keepdims=True)
    scores = true + error * root @ random.normal(size=shares)
    runs = scores + random.normal(size=(SEEDS, shares)) * deviations
    noises = [
        SeedNoise(float(of), 0.0, SEEDS) if deviations.any() else None
        for of in runs.var(axis=0, ddof=1) / SEEDS
    ]
    values = runs.mean(axis=0)
    return [
        Variation(float(value), value + own, noise)
        for value, own, noise in zip(values, left_out, noises, strict=True)
    ]


def coverage(
    curve: tuple[float, float, float], error: float, deviations: np.ndarray, boards: int
) -> tuple[float, int, float]:
    """Return (share of intervals that hold the truth, refusals, mean width)."""
    asymptote, scale, exponent = curve
    true = asymptote - scale * DOCUMENTS**-exponent
    gain = scale * float(DOCUMENTS[-1]) ** -exponent * (1 - 2**-exponent)
    random, held, widths = np.random.default_rng(0), [], []
    for _ in range(boards):
        varied = drawn(true, error, deviations, random)
        scores = np.array([one.value for one in varied])
        try:
            law = fit_power_law(
                MeasuredScores(DOCUMENTS.tolist(), scores, joint_covariance(varied))
            )
        except NotDetermined:
            continue
        held.append(law.low - 1e-9 <= gain <= law.high + 1e-9)
        widths.append(law.high - law.low)
    return float(np.mean(held)), boards - len(held), float(np.mean(widths))


def rows(boards: int) -> Iterator[str]:
    """Yield a line per curve and noise."""
    for curve in CURVES:
        for error, deviation in NOISES:
            for falling in (False, True) if deviation else (False,):
                by_share = np.array([2, 1.5, 1, 0.7]) if falling else np.ones(len(DOCUMENTS))
                held, refused, width = coverage(curve, error, deviation * by_share, boards)
                yield (
                    f"{curve!s:18} documents {error:<6} seeds {deviation:<5} "
                    f"{'falling' if falling else 'equal':8} held {held:.3f} "
                    f"refused {refused:3} width {width:.3f}"
                )


if __name__ == "__main__":
    for row in rows(int(sys.argv[1]) if len(sys.argv) > 1 else BOARDS):
        print(row, flush=True)

"""A curve of scores over the number of training documents, and what twice as many would give.

    score = asymptote - scale * n ** -exponent      (Cortes et al. 1993; Hestness et al. 2017)

Scores are fitted by least squares, each weighted by its variance. The exponent is that of a list
which fits best, then of a finer list around it; for each, the other two follow from linear
equations. `scale` is at least 0,
and `asymptote` at most the best value that the metric can have. Where lower scores are better,
`scale` is at most 0.

The interval comes from a parametric bootstrap (Efron 1979): scores are drawn around the fitted
curve with the covariance of the measured ones, and each draw is fitted in the same way. It runs
from the lower end of the percentile interval or its mirror image around the fit, to the higher
one: in simulations it then holds the truth in 92 % of cases or more. The same draws tell whether
the measured scores lie further from their curve than chance would put them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

LEAST_SHARES = 3
"""A curve of three parameters needs as many scores."""
DRAWS = 2_000
EXPONENTS = (0.02, 2.0, 160)
"""The smallest and the largest exponent, and the number of them; reported ones are 0.07 to 0.5."""
FINER = 81
"""The number of exponents in the finer list."""
LEAST_P = 0.01
"""Scores that are less likely than this are not on the curve."""
WIDEST = 0.15
"""How wide the interval of the mean change per doubling may be, as a share of the metric's range.

The curve's own form bounds its gain however noisy the scores are, so its interval cannot tell.
"""
TINY = 1e-12


class NotDetermined(ValueError):
    """The scores do not say what more documents would give; the message says why."""


@dataclass(frozen=True, slots=True)
class MeasuredScores:
    """Scores by their number of training documents, float64 [n], and their covariance [n, n].

    `limits` are the lowest and the highest value of the metric; None without limits.
    """

    documents: Sequence[int]
    scores: np.ndarray
    covariance: np.ndarray
    limits: tuple[float, float] | None = (0.0, 1.0)
    lower_is_better: bool = False

    @property
    def sign(self) -> float:
        """What turns a score into one of which higher is better."""
        return -1.0 if self.lower_is_better else 1.0

    @property
    def best(self) -> float:
        """The best value that the metric can have, where higher is better."""
        if self.limits is None:
            return float("inf")
        return max(self.sign * limit for limit in self.limits)


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """A fitted curve. `gain` is what twice the documents add, `low` to `high` its 95 % interval."""

    asymptote: float
    scale: float
    exponent: float
    gain: float
    low: float
    high: float

    def __call__(self, documents: float) -> float:
        """Return the score that the curve has at a number of training documents."""
        return float(self.asymptote - self.scale * documents**-self.exponent)


def fit_power_law(measured: MeasuredScores) -> PowerLaw:
    """Return the curve through the scores; raise NotDetermined where they determine none.

    >>> import numpy as np
    >>> documents = [100, 200, 400, 800]
    >>> scores = np.array([0.9 - 2 * n**-0.5 for n in documents])
    >>> law = fit_power_law(MeasuredScores(documents, scores, np.eye(4) * 1e-8))
    >>> round(law(1600) - law(800), 4), round(law.gain, 4)
    (0.0207, 0.0207)
    """
    import numpy as np

    if len(set(measured.documents)) < LEAST_SHARES:
        raise NotDetermined(f"fewer than {LEAST_SHARES} numbers of training documents have a score")
    _check_noise(measured)
    scores = measured.sign * np.asarray(measured.scores, dtype=float)
    curve = _Curves(measured)
    fitted, error = curve.fit(scores[None])
    fitted, error = curve.fit(scores[None], curve.around(float(fitted[0, 2])))
    middle = fitted[0, 0] - fitted[0, 1] * curve.basis(fitted[:, 2])[0]
    draws, errors = curve.fit(middle + _noise(measured.covariance))
    if error[0] > TINY and float((errors >= error[0]).mean()) < LEAST_P:
        raise NotDetermined("no such curve goes through the scores within their noise")
    gain = float(_gain(fitted)[0])
    least, most = (float(np.quantile(_gain(draws), share)) for share in (0.025, 0.975))
    low, high = max(0.0, min(least, 2 * gain - most)), max(most, 2 * gain - least)
    sign, (asymptote, scale, exponent) = measured.sign, (float(part) for part in fitted[0])
    ends = sorted((sign * low + 0.0, sign * high + 0.0))
    scale *= max(measured.documents) ** exponent
    return PowerLaw(sign * asymptote, sign * scale, exponent, sign * gain + 0.0, *ends)


def _check_noise(measured: MeasuredScores) -> None:
    """Raise NotDetermined where noise hides how scores change, whatever curve they follow."""
    import numpy as np

    if measured.limits is None:
        return
    doublings = np.log2(np.asarray(measured.documents, dtype=float))
    weights = doublings - doublings.mean()
    weights /= (weights**2).sum()
    slope = float(weights @ measured.scores)
    width = 1.96 * float(np.sqrt(max(0.0, weights @ measured.covariance @ weights)))
    if 2 * width > WIDEST * (measured.limits[1] - measured.limits[0]):
        raise NotDetermined(
            f"the scores are too uncertain; per doubling they change by {slope:+.3f} ± {width:.3f}"
        )


class _Curves:
    """Fits curves through many rows of scores over the same numbers of documents."""

    def __init__(self, measured: MeasuredScores) -> None:
        import numpy as np

        self.shares = np.array(measured.documents, dtype=float) / max(measured.documents)
        variances = np.diag(measured.covariance)
        floor = max(float(variances.max()) * 1e-4, TINY)
        self.weights = 1 / np.maximum(variances, floor)
        self.weights /= self.weights.sum()
        self.best = measured.best
        self.exponents = np.geomspace(*EXPONENTS)

    def basis(self, exponents: np.ndarray) -> np.ndarray:
        """Return n ** -exponent, [exponents, n], with 1 for the most documents."""
        basis: np.ndarray = self.shares[None, :] ** -exponents[:, None]
        return basis

    def around(self, exponent: float) -> np.ndarray:
        """Return exponents between the neighbours of one of the list."""
        import numpy as np

        step = self.exponents[1] / self.exponents[0]
        low, high = max(exponent / step, EXPONENTS[0]), min(exponent * step, EXPONENTS[1])
        return np.geomspace(low, high, FINER)

    def fit(
        self, scores: np.ndarray, exponents: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return (asymptote, scale, exponent) [rows, 3] and the weighted squared error [rows]."""
        import numpy as np

        exponents = self.exponents if exponents is None else exponents
        basis = self.basis(exponents)
        mean_of_basis = basis @ self.weights
        centred = (basis - mean_of_basis[:, None]) * self.weights
        means = (scores @ self.weights)[:, None]
        scale = -(scores @ centred.T) / (centred * basis).sum(axis=1)
        scale = np.maximum(scale, 0.0)
        asymptote = means + scale * mean_of_basis
        over = asymptote > self.best
        bounded = (self.best - scores) @ (self.weights * basis).T
        bounded = np.maximum(bounded, 0.0) / (self.weights * basis**2).sum(axis=1)
        scale = np.where(over, bounded, scale)
        asymptote = np.where(over, self.best, asymptote)
        errors = np.stack(
            [
                ((scores - asymptote[:, [k]] + scale[:, [k]] * basis[k]) ** 2) @ self.weights
                for k in range(len(basis))
            ],
            axis=1,
        )
        chosen = errors.argmin(axis=1)
        rows = np.arange(len(scores))
        picked = (asymptote[rows, chosen], scale[rows, chosen], exponents[chosen])
        return np.stack(picked, axis=1), errors[rows, chosen]


def _gain(fitted: np.ndarray) -> np.ndarray:
    """Return what twice the documents add to each curve of `_Curves.fit`."""
    gain: np.ndarray = fitted[:, 1] * (1 - 2.0 ** -fitted[:, 2])
    return gain


def _noise(covariance: np.ndarray) -> np.ndarray:
    """Return draws of normal noise with a covariance, [draws, n]: the same ones every time.

    The root is the symmetric one, which has no free signs: every processor finds the same.
    """
    import numpy as np

    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    draws: np.ndarray = np.random.default_rng(0).standard_normal((DRAWS, len(values))) @ root
    return draws

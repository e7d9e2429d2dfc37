"""How far probabilities can be trusted: calibration errors, proper scores, temperature.

Probabilities are the softmax (single-label) or the sigmoids (multi-label) of logits that are
first divided by a temperature. Labels outside the label space have probability 0.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from benchbench.contract import AdditiveMetric, Kind, ScoredSplit, ratio

if TYPE_CHECKING:
    import numpy as np


BINS = 15
"""The number of bins, as in Guo et al. (2017)."""

LOWEST, HIGHEST = 0.01, 100.0
"""The range in which the temperature is searched."""


def probabilities(scored: ScoredSplit, temperature: float = 1.0) -> np.ndarray:
    """Return the probability of every label, float64 [n, labels + unseen]."""
    import numpy as np

    logits = scored.predictions.logits
    probability = np.zeros(scored.predictions.gold.shape)
    # computed in place: a copy of a large split takes 100 MB
    known = probability[:, : logits.shape[1]]
    np.divide(logits, temperature, out=known, dtype=np.float64)
    _squash(scored.kind, known)
    return probability


def probabilities_of(kind: Kind, logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Return the probability of every label, float64 [n, labels], of logits of that shape."""
    import numpy as np

    known: np.ndarray = np.divide(logits, temperature, dtype=np.float64)
    _squash(kind, known)
    return known


def ece(scored: ScoredSplit, temperature: float = 1.0) -> AdditiveMetric:
    """Return the expected calibration error over 15 bins of equal width (Naeini et al., 2015).

    Single-label: over the confidence in the decided label. Multi-label: over the probabilities of
    all labels, pooled.
    """
    confidence, hit = confidences(scored, temperature)
    return _pooled_error(confidence, hit, equal_width(confidence))


def ece_mass(scored: ScoredSplit, temperature: float = 1.0) -> AdditiveMetric:
    """Return the expected calibration error over 15 bins of equal mass.

    Equal confidences share a bin. The bins are those of the whole split and do not change when
    its documents are resampled.
    """
    confidence, hit = confidences(scored, temperature)
    return _pooled_error(confidence, hit, equal_mass(confidence))


def ece_per_label(scored: ScoredSplit, temperature: float = 1.0) -> AdditiveMetric:
    """Return the mean over labels of the ECE over 15 bins of equal width. Multi-label."""
    import numpy as np
    from scipy.sparse import csc_array

    confidence, hit = confidences(scored, temperature)
    documents, labels = confidence.shape
    # one column per document: its bin of each label, and in the last row its decisions
    rows = np.empty((documents, labels + 1), dtype=np.int32)
    rows[:, :-1] = equal_width(confidence) + BINS * np.arange(labels, dtype=np.int32)
    rows[:, -1] = BINS * labels
    values = np.full(rows.shape, float(labels))
    np.subtract(hit, confidence, out=values[:, :-1])
    starts = np.arange(0, rows.size + 1, labels + 1, dtype=np.int32)
    shape = (BINS * labels + 1, documents)
    columns = csc_array((values.ravel(), rows.ravel(), starts), shape=shape)
    return AdditiveMetric(columns, _mean_gap, interval=False)


def brier(scored: ScoredSplit, temperature: float = 1.0) -> AdditiveMetric:
    """Return the Brier score (Brier, 1950): 0 is best.

    Single-label: mean over documents of the squared differences summed over labels, at most 2.
    Multi-label: mean over all decisions of the squared difference, at most 1.
    """
    import numpy as np

    difference = probabilities(scored, temperature)
    difference -= scored.predictions.gold
    squares = np.einsum("nl,nl->n", difference, difference)
    return _of_losses(squares if scored.kind == "single-label" else squares / difference.shape[1])


def nll(scored: ScoredSplit, temperature: float = 1.0) -> AdditiveMetric | None:
    """Return the mean over documents of the negative log-likelihood of gold, in nats.

    Multi-label: summed over labels. None where a gold label is unseen: its probability is 0.
    """
    gold, logits = scored.predictions.gold, scored.predictions.logits
    known = logits.shape[1]
    if gold[:, known:].any():
        return None
    losses = _document_nll(scored.kind, gold[:, :known], logits.astype(float) / temperature)
    return _of_losses(losses)


def fit_temperature(kind: Kind, gold: np.ndarray, logits: np.ndarray) -> float:
    """Return the temperature between 0.01 and 100 with the lowest NLL (Guo et al., 2017).

    `gold` is bool [n, labels + unseen], `logits` [n, labels]. Documents with an unseen label are
    left out. The result is 1 where all temperatures are equally good. For validation only.

    NLL is convex in 1/T, so its minimum is where its slope is 0. That point is found exactly. A
    search for the lowest value would be only as precise as the square root of the rounding error.
    """
    import numpy as np
    from scipy.optimize import brentq

    known = logits.shape[1]
    kept = ~gold[:, known:].any(axis=1)
    gold, logits = gold[kept, :known], logits[kept].astype(np.float64)
    if kind == "single-label":
        logits -= logits.max(axis=1, keepdims=True)  # so that equal logits have a slope of 0
    buffer = np.empty_like(logits)

    def slope(log_temperature: float) -> float:
        """Return the slope of the summed NLL in 1/T."""
        np.multiply(logits, np.exp(-log_temperature), out=buffer)
        _squash(kind, buffer)
        np.subtract(buffer, gold, out=buffer)
        return float(np.vdot(buffer, logits))

    lowest, highest = np.log([LOWEST, HIGHEST])
    if slope(0.0) == 0:
        return 1.0
    if slope(lowest) <= 0:
        return LOWEST
    if slope(highest) >= 0:
        return HIGHEST
    return float(np.exp(brentq(slope, lowest, highest, xtol=1e-13)))


def reliability(
    scored: ScoredSplit, temperature: float = 1.0
) -> tuple[tuple[float, float, int], ...]:
    """Return (mean confidence, accuracy, decisions) per bin of equal width that is not empty."""
    import numpy as np

    confidence, hit = confidences(scored, temperature)
    bins = equal_width(confidence).ravel()
    counts = np.bincount(bins, minlength=BINS)
    sums = [np.bincount(bins, values.ravel(), minlength=BINS) for values in (confidence, hit)]
    filled = np.flatnonzero(counts)
    return tuple(
        (float(sums[0][n] / counts[n]), float(sums[1][n] / counts[n]), int(counts[n]))
        for n in filled
    )


def confidences(scored: ScoredSplit, temperature: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities and whether they came true, float64 and bool [n, k].

    Single-label: of the decided label, k = 1. Multi-label: of every label, unseen ones included.
    """
    probability, gold = probabilities(scored, temperature), scored.predictions.gold
    if scored.kind == "multi-label":
        return probability, gold
    right = (gold & scored.decided()).any(axis=1, keepdims=True)
    return probability.max(axis=1, keepdims=True), right


def equal_width(confidence: np.ndarray) -> np.ndarray:
    """Return the bin of each confidence, int32: [0, 1/15), ..., [14/15, 1]."""
    import numpy as np

    return np.minimum((confidence * BINS).astype(np.int32), BINS - 1)


def equal_mass(confidence: np.ndarray) -> np.ndarray:
    """Return the bin of each confidence, int32: 15 times the share that is smaller, rounded down.

    Bins are filled as equally as possible, given that equal confidences share a bin.
    """
    import numpy as np

    # the largest confidence of the lowest b / 15 of all is the edge below bin b
    positions = [-(-number * confidence.size // BINS) - 1 for number in range(1, BINS)]
    edges = np.sort(confidence, axis=None)[positions]
    return np.searchsorted(edges, confidence, side="left").astype(np.int32)


def _pooled_error(confidence: np.ndarray, hit: np.ndarray, bins: np.ndarray) -> AdditiveMetric:
    """Return the calibration error over all decisions, given their bins; all arrays are [n, k]."""
    import numpy as np

    documents, decisions = confidence.shape
    # every document has its own bins here: they are summed over documents later
    bins = bins + BINS * np.arange(documents)[:, None]
    gaps = np.bincount(bins.ravel(), (hit - confidence).ravel(), minlength=BINS * documents)
    counts = np.full((documents, 1), decisions)
    per_document = np.hstack([gaps.reshape(documents, BINS), counts]).T
    # gaps are taken without their sign, so that noise adds up: no interval is right
    return replace(AdditiveMetric.of(per_document, _mean_gap), interval=False)


def _of_losses(losses: np.ndarray) -> AdditiveMetric:
    """Return the mean of the documents' losses; it has no interval.

    A few confident errors make up most of the sum, so that an interval by Student's t holds the
    truth too seldom (87 % for the Brier score of a good classifier on 100 documents).
    """
    return replace(AdditiveMetric.mean(losses), interval=False)


def _mean_gap(totals: np.ndarray) -> np.ndarray:
    """Return the sum over bins of |hits - summed confidence|, over the number of decisions.

    That is the sum over bins of (size / n) * |accuracy - mean confidence|. Where each label has
    its own bins, the result is the mean over labels.
    """
    import numpy as np

    return ratio(np.stack([np.abs(totals[:-1]).sum(axis=0), totals[-1]]))


def _squash(kind: Kind, logits: np.ndarray) -> None:
    """Turn float64 logits [n, labels] into probabilities, in place."""
    import numpy as np
    from scipy.special import expit

    if kind == "multi-label":
        expit(logits, out=logits)
    else:
        logits -= logits.max(axis=1, keepdims=True)
        np.exp(logits, out=logits)
        logits /= logits.sum(axis=1, keepdims=True)


def _document_nll(kind: Kind, gold: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Return the NLL of each document, float64 [n]; overwrites `logits`, float64 [n, labels].

    It takes no log of a probability, since that may have been rounded to 0.
    """
    import numpy as np

    if kind == "multi-label":
        np.negative(logits, out=logits, where=gold)
        return np.asarray(np.logaddexp(0.0, logits, out=logits).sum(axis=1))
    logits -= logits[np.arange(len(logits)), gold.argmax(axis=1)][:, None]
    highest = logits.max(axis=1)
    logits -= highest[:, None]
    return np.asarray(highest + np.log(np.exp(logits, out=logits).sum(axis=1)))

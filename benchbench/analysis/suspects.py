"""Labels of the data that may be wrong, by confident learning.

Northcutt, Jiang and Chuang (2021), sections 3.1 and 3.2: a label k has the threshold t(k), the mean
probability of k over the documents that have it. A document is counted for the likeliest of the
labels whose probability reaches their threshold. One that has another label is suspect. The share
of suspects among the documents of a label, times their number, estimates how many are wrong.

Where documents have several labels, each label is a question of its own, answered with yes or no.
Several systems are asked: seeds of one are averaged, and a document is suspect where at least half
of the systems agree on the same other label.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchbench.analysis.findings import plural
from benchbench.analysis.judged_split import JudgedSplit

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Suspect:
    """A document whose label may be wrong.

    `gold` is what it has, `suggested` what it may have instead; either is empty where a label is
    only too many or only missing. `systems` is how many systems say so, `probability` the mean of
    theirs for what they suggest.
    """

    id: str
    gold: str
    suggested: str
    systems: int
    probability: float


@dataclass(frozen=True, slots=True)
class SuspectLabels:
    """The suspects, the surest first, of how many systems, and how many labels may be wrong.

    `estimate` is the lowest of the systems' estimates of the number of wrong labels: what a system
    cannot learn looks like a wrong label, too.
    """

    suspects: tuple[Suspect, ...]
    systems: int
    labels: int
    estimate: float

    @property
    def sentence(self) -> str:
        """How many labels are suspect, by how many systems, and how many may be wrong in all."""
        count = len(self.suspects)
        return (
            f"{count:,} of {self.labels:,} labels are suspect, by "
            f"{plural(self.systems, 'system')}; an estimate of all that are wrong is "
            f"{max(self.estimate, count):,.0f}."
        )


def suspect_labels(judged: Iterable[tuple[str, JudgedSplit]]) -> SuspectLabels:
    """Return the labels that may be wrong; `judged` has every seed by the name of its system.

    Systems without probabilities are left out.
    """
    splits = _means_over_seeds(judged)
    if not splits:
        return SuspectLabels((), 0, 0, 0.0)
    single = next(iter(splits.values())).kind == "single-label"
    found = [(_single if single else _several)(split) for split in splits.values()]
    votes: Counter[tuple[int, int, int]] = Counter()
    sums: dict[tuple[int, int, int], float] = defaultdict(float)
    for suspects, _ in found:
        for key, probability in suspects.items():
            votes[key] += 1
            sums[key] += probability
    any_split = next(iter(splits.values()))
    needed = max(len(found) / 2, min(2, len(found)))
    chosen = [
        Suspect(
            any_split.ids[row], _name(any_split, gold), _name(any_split, suggested), count,
            sums[row, gold, suggested] / count,
        )
        for (row, gold, suggested), count in votes.items()
        if count >= needed
    ]  # fmt: skip
    chosen.sort(key=lambda suspect: (-suspect.systems, -suspect.probability, suspect.id))
    estimate = min(number for _, number in found)
    return SuspectLabels(tuple(chosen), len(found), int(any_split.gold.sum()), estimate)


def _name(split: JudgedSplit, place: int) -> str:
    return split.names[place] if place >= 0 else ""


def _means_over_seeds(judged: Iterable[tuple[str, JudgedSplit]]) -> Mapping[str, JudgedSplit]:
    """Return one split per system, whose probabilities are the means over its seeds."""
    seeds: dict[str, list[JudgedSplit]] = {}
    for name, split in judged:
        if split.probability is not None:
            seeds.setdefault(name, []).append(split)
    return {name: replace(runs[0], probability=_mean(runs)) for name, runs in seeds.items()}


def _mean(runs: Sequence[JudgedSplit]) -> np.ndarray:
    import numpy as np

    known = [run.probability for run in runs if run.probability is not None]
    mean: np.ndarray = np.mean(known, axis=0)
    return mean


Found = tuple[dict[tuple[int, int, int], float], float]
"""(row, label it has, label it may have) -> probability, and the estimated number of errors."""


def _single(split: JudgedSplit) -> Found:
    """Return the suspects of documents with one label each."""
    import numpy as np

    probability, gold = split.probability, split.gold.argmax(axis=1)
    assert probability is not None
    counted, thresholds = _counted(probability, split.gold)
    rows = np.flatnonzero((counted >= 0) & (counted != gold))
    suspects = {
        (int(row), int(gold[row]), int(counted[row])): float(probability[row, counted[row]])
        for row in rows
    }
    return suspects, _estimate(gold, counted, len(thresholds))


def _counted(probability: np.ndarray, gold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the label that a document is counted for, -1 for none, and all thresholds."""
    import numpy as np

    documents = gold.sum(axis=0)
    sums = (probability * gold).sum(axis=0)
    thresholds = np.where(documents > 0, sums / np.maximum(documents, 1), np.inf)
    reached = np.where(probability >= thresholds, probability, -1.0)
    best = reached.argmax(axis=1)
    return np.where(reached.max(axis=1) >= 0, best, -1), thresholds


def _estimate(gold: np.ndarray, counted: np.ndarray, labels: int) -> float:
    """Return the estimated number of wrong labels: shares of the counted, times all documents."""
    import numpy as np

    known = counted >= 0
    of_label = np.bincount(gold, minlength=labels)
    all_counted = np.bincount(gold[known], minlength=labels)
    wrong = np.bincount(gold[known & (counted != gold)], minlength=labels)
    return float((wrong / np.maximum(all_counted, 1) * of_label).sum())


def _several(split: JudgedSplit) -> Found:
    """Return the suspects of documents with several labels, label by label."""
    import numpy as np

    assert split.probability is not None
    suspects: dict[tuple[int, int, int], float] = {}
    estimate = 0.0
    for place in np.flatnonzero(split.gold.any(axis=0)):
        has = split.gold[:, place]
        yes = split.probability[:, place]
        answers, asked = np.stack([1 - yes, yes], axis=1), np.stack([~has, has], axis=1)
        counted, _ = _counted(answers, asked)
        estimate += _estimate(has.astype(int), counted, 2)
        for row in np.flatnonzero((counted >= 0) & (counted != has)):
            key = (int(row), int(place), -1) if has[row] else (int(row), -1, int(place))
            suspects[key] = float(answers[row, counted[row]])
    return suspects, estimate

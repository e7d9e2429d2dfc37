"""Small splits of one run, wild and degenerate ones too, for the tests of the metrics."""

from __future__ import annotations

import numpy as np
import pytest

from benchbench.contract import LabelFacts, LabelSpace, Predictions, ScoredSplit, Tuning
from benchbench.evaluation import METRICS, evaluate, tune

KINDS = ("single-label", "multi-label")


def label_facts(labels, unseen=0):
    """Return labels below A, B and C, of which A is below a node of its own: three levels.

    Every seventh label has no parent at all.
    """
    names = [f"{'ABC'[n % 3]}{n:02}" for n in range(labels + unseen)]
    parents = {name: name[0] for n, name in enumerate(names) if n % 7 != 6} | {"A": "top"}
    counts = tuple((n * 5) % 7 for n in range(labels))
    space = sorted(names[:labels])
    return LabelFacts(LabelSpace(tuple(space), (), parents, tuple(names[labels:])), counts)


def predictions(gold, logits, main=None):
    n = len(gold)
    main = np.full(n, -1) if main is None else main
    return Predictions(
        tuple(map(str, range(n))),
        np.asarray(gold, dtype=bool),
        np.asarray(main, dtype=np.int32),
        ("",) * n,
        np.asarray(logits, dtype=np.float32),
    )


def scored(kind, gold, logits, main=None, hard=False, labels=None, threshold=0.1, temperature=1.7):
    part = predictions(gold, logits, main)
    known = part.logits.shape[1]
    labels = labels or label_facts(known, part.gold.shape[1] - known)
    own = np.linspace(-0.6, 0.8, known)
    if hard or kind == "single-label":
        threshold, own = 0.0, np.zeros(known)
    tuning = Tuning(threshold, own, None if hard else temperature)
    return ScoredSplit(kind, part, labels, tuning, hard)


def random_split(kind, seed, documents=40, labels=7, unseen=0, tied=False, hard=False):
    random = np.random.default_rng(seed)
    columns = labels + unseen
    if kind == "single-label":
        gold = np.eye(columns, dtype=bool)[random.integers(0, columns, documents)]
    else:
        gold = random.random((documents, columns)) < 0.3
    logits = 1.5 * random.normal(size=(documents, labels)) + gold[:, :labels]
    if tied:
        logits = np.round(logits)
    chosen = np.where(gold, random.random(gold.shape), -1)
    main = np.where(gold.any(axis=1) & (random.random(documents) < 0.8), chosen.argmax(axis=1), -1)
    return scored(kind, gold, logits, main, hard)


def constant(kind, gold, score, columns=None):
    gold = np.array(gold, dtype=bool)
    return scored(kind, gold, np.full((len(gold), columns or gold.shape[1]), score))


EYE = np.eye(4)
SPLITS = {
    "single": random_split("single-label", 1),
    "single-ties": random_split("single-label", 2, tied=True),
    "single-unseen": random_split("single-label", 3, unseen=2),
    "single-hard": random_split("single-label", 4, hard=True),
    "single-few-documents": random_split("single-label", 5, documents=3, labels=9),
    "single-one-document": random_split("single-label", 6, documents=1, labels=2),
    "single-two-labels": random_split("single-label", 7, labels=2),
    "single-one-label": scored("single-label", np.ones((5, 1)), np.zeros((5, 1))),
    "single-one-class": scored("single-label", EYE[[0, 0, 0]], EYE[[0, 0, 0]]),
    "single-one-guess": scored("single-label", EYE[[0, 1, 2]], EYE[[0, 0, 0]]),
    "single-all-wrong": scored("single-label", EYE[[0, 1, 2]], 5 * EYE[[1, 2, 0]]),
    "single-all-right": scored("single-label", EYE, 1e4 * EYE),
    "single-all-unseen": scored("single-label", EYE[[3, 3]], EYE[[0, 1], :3]),
    "single-all-equal": constant("single-label", EYE[[0, 1, 2]], -2.5),
    "multi": random_split("multi-label", 11),
    "multi-ties": random_split("multi-label", 12, tied=True),
    "multi-unseen": random_split("multi-label", 13, unseen=3),
    "multi-hard": random_split("multi-label", 14, hard=True),
    "multi-one-document": random_split("multi-label", 15, documents=1),
    "multi-two-labels": random_split("multi-label", 16, labels=2),
    "multi-one-label": random_split("multi-label", 17, labels=1),
    "multi-nothing-at-all": constant("multi-label", np.zeros((4, 3)), -1),
    "multi-no-positives": constant("multi-label", np.zeros((4, 3)), 1e4),
    "multi-nothing-decided": constant("multi-label", np.ones((4, 3)), -1e4),
    "multi-all-of-everything": constant("multi-label", np.ones((4, 3)), 1),
    "multi-all-unseen": constant("multi-label", [[0, 0, 1], [0, 0, 1]], -1, columns=2),
    "multi-all-wrong": scored("multi-label", EYE, 9 - 18 * EYE),
}


def on_every_split(kind=None, hard=None):
    """Parametrise a test by all splits, or by those of a kind, hard or not."""
    chosen = {
        name: split
        for name, split in SPLITS.items()
        if kind in (None, split.kind) and hard in (None, split.hard)
    }
    return pytest.mark.parametrize("split", chosen.values(), ids=chosen)


def rows(split):
    """Return per document its gold and its decided labels as lists of bool, found by loops."""
    for gold, logits in zip(split.predictions.gold, split.predictions.logits, strict=True):
        scores = logits.tolist()
        if split.kind == "single-label":
            decided = [n == scores.index(max(scores)) for n in range(len(scores))]
        else:
            decided = [score > split.tuning.threshold for score in scores]
        yield gold.tolist(), decided + [False] * (len(gold) - len(decided))


def value(result):
    return result.value() if hasattr(result, "value") else result


def labels_of(names, unseen=(), parents=None, counts=()):
    """Return what metrics need to know of these labels."""
    return LabelFacts(LabelSpace(tuple(names), (), parents or {}, tuple(unseen)), tuple(counts))


def names_of(kind):
    """Return the names of the metrics of a kind."""
    return {row.name for row in METRICS if kind in row.kinds}


def metric(name):
    """Return the function of a metric of the registry."""
    return next(row.function for row in METRICS if row.name == name)


def evaluated(kind, predictions, labels, hard=False):
    """Return the values of every split of a run, tuned on validation."""
    tuning = tune(kind, predictions["validation"], hard)
    return {
        name: evaluate(ScoredSplit(kind, part, labels, tuning, hard))[0]
        for name, part in predictions.items()
    }

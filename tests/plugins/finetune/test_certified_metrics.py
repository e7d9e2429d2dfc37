"""Certified scoring on a real small model: what it publishes is what complete scoring gives."""

from __future__ import annotations

import numpy as np
import pytest
from benchbench_finetune.zero_shot import ZeroShot

from benchbench import BoundBackbone, LabelFacts, LabelSpace, ScoredSplit, Task
from benchbench.catalog import load_catalog
from benchbench.contract import Predictions, Record, resolve
from benchbench.evaluation import evaluate, tune
from benchbench.testing import settle
from tests.support.building import cell

PARTS = (("card", "cash", "top up", "transfer"), ("payment", "limit", "fee"),
         ("declined", "pending", "not received", "too high"))  # fmt: skip
LABELS = tuple(sorted(f"{a} {b} {c}" for a in PARTS[0] for b in PARTS[1] for c in PARTS[2]))
DOCUMENTS = {"validation": 8, "test": 16}
TAUGHT = 4
UNKNOWN = {
    "ece", "ece_mass", "brier", "nll", "temperature", "ece_scaled", "ece_mass_scaled",
    "brier_scaled", "nll_scaled", "recall_at_5",
}  # fmt: skip


def documents(count, seed):
    """Return texts that name their label, and the labels."""
    chosen = np.random.default_rng(seed).integers(0, len(LABELS), count).tolist()
    return [f"My {LABELS[label]}: why is that so?" for label in chosen], chosen


def task_of(scoring, **more):
    """Return the task of prompting nano-llama for one of 48 labels, which it has never seen."""
    import datasets

    texts, chosen = documents(TAUGHT, 1)
    split = datasets.Dataset.from_dict(
        {
            "id": [str(number) for number in range(TAUGHT)],
            "text": texts,
            "labels": [[label] for label in chosen],
            "main": chosen,
            "group": [""] * TAUGHT,
            "weight": [1.0] * TAUGHT,
        }
    )
    backbone = load_catalog().backbone("nano-llama")
    loaded = settle(backbone.name, backbone.parameters, {"quantization": "none"})
    given = {"scoring": scoring, "label_list": "never", **more}
    params, faults = resolve("zero-shot", ZeroShot.parameters, given)
    assert not faults
    bound = BoundBackbone(backbone, loaded, device="cpu", dtype="float32")
    return Task("single-label", LabelSpace(LABELS), split, split, bound, 0, params)


@pytest.fixture(scope="module")
def runs():
    """Return (facts, predictions by split) of complete and of certified scoring."""
    found = {}
    for scoring in ("complete", "certified"):
        classifier = ZeroShot().fit(task_of(scoring))
        splits = {}
        for name, count in DOCUMENTS.items():
            texts, chosen = documents(count, count)
            gold = np.eye(len(LABELS), dtype=bool)[chosen]
            splits[name] = Predictions(
                tuple(map(str, range(count))), gold, np.array(chosen), ("",) * count,
                classifier.predict_logits(texts),
            )  # fmt: skip
        found[scoring] = (classifier.facts, splits)
    return found


def values_of(splits, exact_best):
    """Return the values on test, tuned on validation."""
    tuning = tune("single-label", splits["validation"], exact_best=exact_best)
    labels = LabelFacts(LabelSpace(LABELS), (1,) * len(LABELS))
    scored = ScoredSplit("single-label", splits["test"], labels, tuning, exact_best=exact_best)
    return evaluate(scored)[0]


def test_every_value_of_certified_scoring_is_that_of_complete_scoring(runs):
    facts, certified = runs["certified"]
    _, complete = runs["complete"]
    assert facts["certified"]["labels_scored"] < facts["certified"]["documents"] * len(LABELS)
    exact_best = Record(cell(), "", None, 1, "ok", facts=facts).exact_best
    shown, expected = values_of(certified, exact_best), values_of(complete, None)
    assert {name: expected[name] for name in shown} == shown
    assert set(expected) - set(shown) == UNKNOWN
    assert {"macro_f1", "accuracy", "recall_at_3", "three_guesses"} <= set(shown)


def test_without_the_mark_values_would_be_published_that_are_wrong(runs):
    wrong = values_of(runs["certified"][1], None)
    expected = values_of(runs["complete"][1], None)
    assert wrong["nll"] < expected["nll"] - 1e-3, "bounds flatter"


def test_complete_scores_are_not_marked(runs):
    facts, _ = runs["complete"]
    assert facts["exact_best"] is None
    assert facts["certified"] is None

from __future__ import annotations

import json
import math
from dataclasses import replace

import datasets
import numpy as np
import pytest
from benchbench_baselines import benchbench_methods, tfidf_svm
from benchbench_baselines.majority import Majority
from benchbench_baselines.tfidf_svm import CERTAIN, TfidfSvm

from benchbench import GuardError, LabelSpace, Method, Task, TrainingFacts
from benchbench.kit.data.targets import multi_hot
from tests.support.models import toy_split, toy_task

KINDS = ["single-label", "multi-label"]
METHODS = [pytest.param(method, id=method.name) for method in benchbench_methods()]


def task_of(method, texts, labels, *, kind="single-label", weights=None, n_labels=2):
    train = datasets.Dataset.from_dict(
        {"text": texts, "labels": labels, "weight": weights or [1.0] * len(texts)}
    )
    params = {parameter.name: parameter.default for parameter in method.parameters}
    names = LabelSpace(tuple("abcdef"[:n_labels]))
    return Task(kind, names, train, train, None, 0, params)


@pytest.mark.parametrize("method", METHODS)
def test_it_needs_neither_a_backbone_nor_a_seed(method):
    assert isinstance(method, Method)
    assert method.backbone_kinds == () and not method.seeded
    assert set(method.kinds) == set(KINDS)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", KINDS)
def test_it_answers_alike_after_loading_and_holds_no_pickle(method, kind, tmp_path):
    classifier = method.fit(toy_task(method, kind=kind))
    texts = [*toy_split(31, kind=kind, seed=4)["text"], "", "naïve — 漢字"]
    classifier.save(tmp_path)
    again = method.load(tmp_path, None)
    logits = classifier.predict_logits(texts)
    assert logits.dtype == np.float32 and logits.shape == (33, 3)
    assert np.isfinite(logits).all() and not classifier.hard
    assert np.array_equal(again.predict_logits(texts), logits)
    assert again.labels == classifier.labels
    assert {path.suffix for path in tmp_path.iterdir()} <= {".json", ".npz"}
    assert classifier.predict_logits([]).shape == (0, 3)
    json.dumps(classifier.facts, allow_nan=False)


def test_the_majority_answers_with_the_training_frequencies():
    method = Majority()
    task = task_of(method, ["x"] * 4, [[0], [0], [0], [1]])
    logits = method.fit(task).predict_logits(["anything", "else"])
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert probabilities == pytest.approx(np.array([[0.75, 0.25]] * 2))


def test_the_majority_of_many_labels_answers_with_log_odds():
    method = Majority()
    task = task_of(method, ["x"] * 4, [[0], [0, 1], [0, 2], [0]], kind="multi-label", n_labels=4)
    logits = method.fit(task).predict_logits(["anything"])[0]
    assert 1 / (1 + np.exp(-logits[1:3])) == pytest.approx([0.25, 0.25])
    assert logits[0] == -logits[3] > 10, "an always and a never occurring label stay finite"


def test_the_majority_counts_documents_by_weight():
    method = Majority()
    task = task_of(method, ["x"] * 2, [[0], [1]], weights=[3.0, 1.0])
    assert math.exp(method.fit(task).row[0]) == pytest.approx(0.75)


@pytest.mark.parametrize("kind", KINDS)
def test_the_svm_learns_what_the_majority_cannot(kind):
    method = TfidfSvm()
    classifier = method.fit(toy_task(method, kind=kind))
    split = toy_split(100, kind=kind, seed=2)
    logits = classifier.predict_logits(split["text"])
    gold = multi_hot(split["labels"], 3) > 0
    if kind == "multi-label":
        assert ((logits > 0) == gold).mean() > 0.9 > 0.7 > max(gold.mean(), 1 - gold.mean())
    else:
        assert gold[range(100), logits.argmax(axis=1)].mean() > 0.95 > gold.mean(axis=0).max()
    assert classifier.facts["unconverged_labels"] == 0
    assert classifier.facts["warnings"] == []


def test_an_svm_that_is_stopped_says_so(monkeypatch):
    monkeypatch.setattr(tfidf_svm, "STEPS", 1)
    facts = TfidfSvm().fit(toy_task(TfidfSvm())).facts
    assert facts["unconverged_labels"] > 0
    assert "converged to 0.0001" in facts["warnings"][0]


@pytest.mark.parametrize("method", METHODS)
def test_it_says_what_it_trained_on_and_that_it_tuned_nothing(method):
    said = TrainingFacts.of(method.fit(toy_task(method)).facts)
    assert (said.early_stopping, said.class_weights, said.tuned) == ("no", "no", ())


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_the_rows_changes_neither_labels_nor_answers(method, tmp_path):
    task = toy_task(method)
    texts = toy_split(20, seed=3)["text"]
    answers = []
    for name, train in (("as-given", task.train), ("shuffled", task.train.shuffle(seed=0))):
        classifier = method.fit(replace(task, train=train))
        classifier.save(tmp_path / name)
        answers.append(classifier.predict_logits(texts))
    first, second = (path.read_bytes() for path in tmp_path.glob("*/labels.json"))
    assert first == second
    assert abs(answers[0] - answers[1]).max() < 0.01


def test_two_classes_have_two_columns():
    method = TfidfSvm()
    logits = method.fit(task_of(method, ["pump", "lens"] * 3, [[0], [1]] * 3)).predict_logits(
        ["pump", "lens"]
    )
    assert logits.shape == (2, 2)
    assert logits[:, 0] == pytest.approx(-logits[:, 1], abs=1e-4)
    assert logits.argmax(axis=1).tolist() == [0, 1]


def test_a_label_that_training_never_or_always_has_is_answered_so():
    method = TfidfSvm()
    texts, labels = ["pump", "lens", "gear"], [[0, 1], [0], [0, 1]]
    task = task_of(method, texts, labels, kind="multi-label", n_labels=3)
    logits = method.fit(task).predict_logits(texts)
    assert (logits[:, 0] == CERTAIN).all() and (logits[:, 2] == -CERTAIN).all()
    assert logits[:, 1].max() < CERTAIN


def test_the_svm_counts_documents_by_weight():
    method = TfidfSvm()
    texts, labels = ["pump pump", "pump pump"], [[0], [1]]
    for favourite in (0, 1):
        weights = [10.0, 0.1] if favourite == 0 else [0.1, 10.0]
        task = task_of(method, texts, labels, weights=weights)
        assert method.fit(task).predict_logits(["pump pump"]).argmax() == favourite


def test_the_number_of_features_is_bounded():
    method = TfidfSvm()
    task = toy_task(method, word_features=5, character_features=7)
    assert method.fit(task).facts["features"] == 12


def test_a_saved_svm_with_missing_terms_is_refused(tmp_path):
    method = TfidfSvm()
    method.fit(toy_task(method)).save(tmp_path)
    path = tmp_path / "vocabulary.json"
    terms = json.loads(path.read_text())
    path.write_text(json.dumps(terms | {"words": terms["words"][:-1]}))
    with pytest.raises(GuardError):
        method.load(tmp_path, None)
    path.unlink()
    with pytest.raises(GuardError, match="cannot be read"):
        method.load(tmp_path, None)

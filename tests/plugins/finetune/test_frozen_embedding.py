"""The method `frozen-embedding`: logistic regression on what a model says, and nothing trained."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from benchbench_finetune import frozen_embedding, logistic_regression
from benchbench_finetune.frozen_embedding import FrozenEmbedding, features_of
from benchbench_finetune.logistic_regression import (
    CERTAIN,
    LOGIT_TOLERANCE,
    _regression,
    fit_hyperplanes,
)
from sklearn.linear_model import LogisticRegression

from benchbench import GuardError, Method, TrainingFacts
from benchbench.kit.cache import enabled
from benchbench.machine.stopwatch import Stopwatch, watching
from benchbench.machine.watched_backbone import WatchedBackbone
from tests.support.models import (
    bind_model,
    share_of_right_decisions,
    toy_split,
    toy_task,
    write_encoder,
    write_model,
)

KINDS = ["single-label", "multi-label"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    home = tmp_path_factory.mktemp("model")
    return write_model(home / "llama", toy_split(50)["text"], context=64)


def task_of(folder, kind="single-label", seed=0, quantization="nf4", **params):
    method = FrozenEmbedding()
    return toy_task(method, bind_model(folder, quantization), kind=kind, seed=seed, **params)


def test_it_is_a_method():
    assert isinstance(FrozenEmbedding(), Method)


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_and_the_model_stays_as_it_is(folder, kind):
    classifier = FrozenEmbedding().fit(task_of(folder, kind))
    fresh = bind_model(folder, "nf4").load().model.state_dict()
    for name, weight in classifier.embedder.loaded.model.state_dict().items():
        assert torch.equal(weight, fresh[name]), name
    assert share_of_right_decisions(classifier, kind) > 0.75
    assert classifier.facts["four_bit_modules"] > 0
    assert classifier.facts["trainable_parameters"] == 3 * 32 + 3
    assert classifier.facts["unconverged_labels"] == 0
    assert classifier.facts["logits_moved"] <= LOGIT_TOLERANCE
    assert classifier.facts["warnings"] == []
    said = TrainingFacts.of(classifier.facts)
    assert (said.early_stopping, said.tuned) == ("no", ("c",))
    assert ("binary" in said.minimises) == (kind == "multi-label")


def test_the_seed_changes_nothing(folder):
    texts = toy_split(20, seed=3)["text"]
    first, second = (
        FrozenEmbedding().fit(task_of(folder, seed=seed)).predict_logits(texts) for seed in (0, 1)
    )
    assert (first == second).all()


def test_the_planes_are_scikit_learn_s(folder):
    from sklearn.preprocessing import StandardScaler

    task = task_of(folder, c=0.1)
    classifier = FrozenEmbedding().fit(task)
    features, _ = features_of(classifier.embedder, task.train["text"], 32)
    scaler = StandardScaler().fit(features)
    model = LogisticRegression(C=0.1, max_iter=10_000, tol=1e-9)
    model.fit(scaler.transform(features), np.array(task.train["main"]))
    texts = toy_split(20, seed=3)["text"]
    probes, _ = features_of(classifier.embedder, texts, 32)
    logits = torch.from_numpy(classifier.predict_logits(texts))
    expected = model.predict_proba(scaler.transform(probes))
    assert abs(logits.softmax(dim=1).numpy() - expected).max() < 1e-4


def ill_conditioned(documents=400, width=24):
    """Return features of very different lengths and three classes that overlap."""
    random = np.random.default_rng(0)
    mixing = random.normal(size=(width, width)) * np.logspace(0, -3, width)
    features = random.normal(size=(documents, width)) @ mixing
    scores = features[:, :3] + random.normal(size=(documents, 3))
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    return features, scores.argmax(axis=1)


def test_the_solver_goes_on_until_the_logits_stay():
    features, targets = ill_conditioned()
    weights = np.linspace(0.5, 1.5, len(targets))
    for classes in (targets, (targets == 1).astype(int)):
        near, convergence = _regression(features, classes, weights, 1.0)
        usual = LogisticRegression(C=1.0, max_iter=1000).fit(features, classes, weights)
        exact = LogisticRegression(C=1.0, max_iter=100_000, tol=1e-12).fit(
            features, classes, weights
        )
        error = [
            abs(model.decision_function(features) - exact.decision_function(features)).max()
            for model in (near, usual)
        ]
        assert error[0] <= LOGIT_TOLERANCE < error[1], "scikit-learn's own tolerance is too wide"
        assert convergence.moved <= LOGIT_TOLERANCE and convergence.unconverged == 0
        assert 0 < convergence.gradient < 1e-6


def test_a_solver_that_is_stopped_says_so(folder, monkeypatch):
    monkeypatch.setattr(logistic_regression, "STEPS", 1)
    for kind, count in (("single-label", 1), ("multi-label", 3)):
        facts = FrozenEmbedding().fit(task_of(folder, kind, c=1.0)).facts
        assert facts["unconverged_labels"] == count
        assert facts["logits_moved"] > facts["solver_tolerance"] == LOGIT_TOLERANCE
        assert facts["gradient_norm"] > 1e-3
        assert "has not converged" in facts["warnings"][0]


def test_the_penalty_is_the_best_on_validation_and_test_is_not_seen(folder):
    losses = {}
    for c in frozen_embedding.PENALTIES:
        classifier = FrozenEmbedding().fit(task_of(folder, c=c))
        losses[c] = classifier.facts["best_validation_loss"]
    chosen = FrozenEmbedding().fit(task_of(folder))
    assert chosen.facts["c"] == min(losses, key=losses.get)
    assert chosen.facts["best_validation_loss"] == min(losses.values())


def test_two_classes_are_told_apart_by_one_plane(folder):
    task = task_of(folder)
    rows = [row for row, label in enumerate(task.train["main"]) if label in (0, 2)]
    from dataclasses import replace

    two = replace(task, train=task.train.select(rows))
    features = np.random.default_rng(0).normal(size=(len(rows), 5))
    planes = fit_hyperplanes(two, features, 1.0)
    model = LogisticRegression(C=1.0, max_iter=10_000, tol=1e-9)
    model.fit(features, np.array(two.train["main"]))
    probabilities = torch.from_numpy(planes.logits(features)).softmax(dim=1).numpy()
    assert abs(probabilities[:, [0, 2]] - model.predict_proba(features)).max() < 1e-4
    assert probabilities[:, 1].max() < 1e-6  # a label that training lacks


def test_a_label_of_every_or_of_no_document_needs_no_plane(folder):
    task = task_of(folder, "multi-label")
    everywhere = task.train.map(lambda row: {"labels": sorted({*row["labels"], 1} - {2})})
    from dataclasses import replace

    planes = fit_hyperplanes(replace(task, train=everywhere), np.ones((len(everywhere), 4)), 1.0)
    assert planes.intercepts[1:].tolist() == [CERTAIN, -CERTAIN]


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_classifier_answers_alike(folder, tmp_path, kind):
    classifier = FrozenEmbedding().fit(task_of(folder, kind, pooling="last"))
    texts = [*toy_split(20, seed=3)["text"], ""]
    classifier.save(tmp_path)
    again = FrozenEmbedding().load(tmp_path, bind_model(folder, "nf4"))
    assert abs(again.predict_logits(texts) - classifier.predict_logits(texts)).max() < 1e-6
    assert not list(tmp_path.rglob("*.pkl"))
    (tmp_path / "planes.safetensors").write_bytes(b"junk")
    with pytest.raises(GuardError, match="cannot be read"):
        FrozenEmbedding().load(tmp_path, bind_model(folder, "nf4"))


def test_an_encoder_will_do_as_well(tmp_path):
    folder = write_encoder(tmp_path / "bert", toy_split(50)["text"])
    classifier = FrozenEmbedding().fit(task_of(folder, quantization="none", pooling="first"))
    split = toy_split(200, seed=2)
    predicted = classifier.predict_logits(split["text"]).argmax(axis=1)
    assert (predicted == np.array(split["main"])).mean() > 0.7


def shared_fit(folder, cache, origin="o", **params):
    """Fit with a cache and return (classifier, the watch that saw it)."""
    bound = bind_model(folder)
    watch = Stopwatch()
    watched = WatchedBackbone(bound.backbone, "weights", origin, watch)
    task = toy_task(FrozenEmbedding(), replace(bound, backbone=watched), **params)
    with enabled(cache), watching(watch), watch.stage("fit"):
        return FrozenEmbedding().fit(task), watch


def test_cells_share_features_and_each_costs_what_it_would_have_alone(folder, tmp_path):
    plain, _ = shared_fit(folder, None)
    first, computed = shared_fit(folder, tmp_path, c=0.01)
    second, cached = shared_fit(folder, tmp_path)
    assert (computed.hits, cached.hits) == (0, 2), "training and validation"
    for name in ("mean", "scale"):
        assert (getattr(plain, name) == getattr(first, name)).all()
        assert (getattr(plain, name) == getattr(second, name)).all()
    assert (plain.hyperplanes.coefficients == second.hyperplanes.coefficients).all()
    assert (first.hyperplanes.coefficients != second.hyperplanes.coefficients).any()
    entries = [json.loads(path.read_bytes()) for path in tmp_path.glob("features/*/entry.json")]
    assert cached.credited == pytest.approx(sum(entry["seconds"] for entry in entries))
    assert cached.seconds["fit"] > cached.credited > 0


OTHERS = {
    "another-model": {"origin": "another"},
    "another-pooling": {"pooling": "last"},
    "other-batches": {"eval_batch_size": 7},
    "fewer-tokens": {"document_tokens": 3},
    "other-texts": {"train": toy_split(20, seed=5)},
}


@pytest.mark.parametrize("case", OTHERS)
def test_what_decides_a_feature_is_part_of_its_key(folder, tmp_path, case):
    shared_fit(folder, tmp_path)
    _, watch = shared_fit(folder, tmp_path, **OTHERS[case])
    assert watch.hits == (1 if case == "other-texts" else 0)  # validation is the same there


def test_so_are_the_threads_for_they_change_the_last_bits(folder, tmp_path):
    shared_fit(folder, tmp_path)
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        assert shared_fit(folder, tmp_path)[1].hits == 0
    finally:
        torch.set_num_threads(threads)


def test_a_model_of_unknown_origin_shares_nothing(folder, tmp_path):
    with enabled(tmp_path):
        FrozenEmbedding().fit(task_of(folder))
    assert not list(tmp_path.glob("features/*"))

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from benchbench_finetune.embedder import DocumentEmbedder
from benchbench_finetune.embedding_head import EmbeddingHead
from benchbench_finetune.objective import Objective, label_weights

from benchbench import BenchbenchError, GuardError, Method, TrainingFacts
from benchbench.contract.errors import Diverged
from benchbench.kit.batching import batches_digest, length_bucketed_batches
from benchbench.kit.scoring import last_layer
from benchbench.kit.training import lora
from tests.support.models import (
    FAMILIES,
    WORDS,
    bind_model,
    load_model,
    toy_split,
    toy_task,
    write_model,
)

QUICK = {"epochs": 8, "batch_size": 8, "learning_rate": 5e-3, "patience": 0, "rank": 4}
KINDS = ["single-label", "multi-label"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    texts = toy_split(50)["text"]
    return write_model(tmp_path_factory.mktemp("model") / "llama", texts, context=64)


@pytest.fixture(scope="module")
def fitted(folder):
    """A classifier of each kind, with the curve of its training."""
    results = {}
    for kind in KINDS:
        curve = []
        method = EmbeddingHead()
        report = lambda *row, curve=curve: curve.append(row)  # noqa: E731
        task = toy_task(method, bind_model(folder, "nf4"), kind=kind, report=report, **QUICK)
        results[kind] = method.fit(task), curve
    return results


def gold(split, n_labels=3):
    hot = np.zeros((len(split), n_labels), dtype=bool)
    for row, labels in enumerate(split["labels"]):
        hot[row, labels] = True
    return hot


def test_it_is_a_method():
    assert isinstance(EmbeddingHead(), Method)


def test_it_learns_what_the_majority_cannot(fitted):
    split = toy_split(200, seed=2)
    logits = fitted["single-label"][0].predict_logits(split["text"])
    truth = np.array(split["main"])
    assert (logits.argmax(axis=1) == truth).mean() > 0.9 > 0.4 > np.bincount(truth).max() / 200
    split = toy_split(200, kind="multi-label", seed=2)
    logits = fitted["multi-label"][0].predict_logits(split["text"])
    right = ((logits > 0) == gold(split)).mean()
    assert right > 0.9
    assert right > max(gold(split).mean(), 1 - gold(split).mean()) + 0.2


@pytest.mark.parametrize("kind", KINDS)
def test_its_facts_say_what_was_trained(fitted, kind):
    classifier, curve = fitted[kind]
    facts = classifier.facts
    assert facts["four_bit_modules"] == 14
    head = sum(tensor.numel() for tensor in classifier.head.parameters())
    shapes = {"q": 64, "k": 48, "v": 48, "o": 64, "gate": 128, "up": 128, "down": 128}
    assert facts["trainable_parameters"] == head + 2 * 4 * sum(shapes.values())
    base = classifier.embedder.loaded.facts["total_parameters"]
    assert facts["total_parameters"] == base + facts["trainable_parameters"]
    assert facts["learning_rate"] == 5e-3
    assert 1 <= facts["best_epoch"] <= facts["epochs_run"] == 8
    assert facts["truncated_share"] == 0
    assert (facts["micro_batches"], facts["memory_retries"]) == (1, 0)
    assert facts["steps"] == 96 == curve[-1][0] == curve[-1][1]
    assert set(facts["guards"].values()) <= {"passed", "not applicable"}
    assert facts["guards"]["the base is really quantised"] == "passed"
    json.dumps(facts, allow_nan=False)
    assert [values["validation_loss"] for *_, values in curve if "validation_loss" in values]


def test_the_first_batch_is_on_record(fitted):
    facts = fitted["single-label"][0].facts
    documents, _ = fitted["single-label"][0].embedder.tokenize(toy_split(96)["text"])
    lengths = [len(document) for document in documents]
    batches = length_bucketed_batches(lengths, 8, seed=0, epoch=0)
    assert facts["batches_digest"] == batches_digest(batches)
    assert facts["pooled_index"] == [lengths[row] - 1 for row in batches[0]]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("pooling", ["last", "mean", "max"])
@pytest.mark.parametrize("quantization", ["none", "nf4"])
def test_a_vector_does_not_depend_on_padding(tmp_path, family, pooling, quantization):
    loaded = load_model(write_model(tmp_path / family, [WORDS], family=family), quantization)
    documents = [[0, 5, 6, 7, 8, 9], [0, 11, 1], [0], [0, 20, 1, 1]]
    long = [3] * 20
    with torch.no_grad():
        alone = torch.cat(
            [DocumentEmbedder(loaded, pooling, 64).embed([document]) for document in documents]
        )
        for side in ("left", "right"):
            for pad_id in (0, 1, 7, 299):
                facts = {**loaded.facts, "pad_token_id": pad_id}
                embedder = DocumentEmbedder(replace(loaded, facts=facts), pooling, 64, side)
                for extra in ([], [long[:4]], [long[:16]], [long]):
                    vectors = embedder.embed([*documents, *extra])[: len(documents)]
                    assert (vectors - alone).abs().max() <= 1e-5, (side, pad_id, extra)


def test_a_real_eos_at_the_end_is_a_token_like_any_other(tmp_path):
    """Here pad is eos: reading the pad id instead of the mask would pool the token before."""
    loaded = load_model(write_model(tmp_path / "llama", [WORDS]))
    assert loaded.facts["pad_source"] == "eos" and loaded.facts["pad_token_id"] == 1
    embedder = DocumentEmbedder(loaded, "last", 64)
    with torch.no_grad():
        ended, open_ended, _ = embedder.embed([[0, 5, 6, 1], [0, 5, 6], [0, 5, 6, 1, 9, 9]])
        alone = embedder.embed([[0, 5, 6, 1]])[0]
    assert (ended - alone).abs().max() <= 1e-5
    assert (ended - open_ended).abs().max() > 1e-2


def test_the_order_and_the_company_of_texts_do_not_matter(fitted):
    classifier, _ = fitted["single-label"]
    texts = toy_split(40, seed=3)["text"]
    logits = classifier.predict_logits(texts)
    order = np.random.default_rng(0).permutation(40)
    assert (
        abs(classifier.predict_logits([texts[row] for row in order]) - logits[order]).max() < 1e-5
    )
    one = np.concatenate([classifier.predict_logits([text]) for text in texts])
    assert abs(one - logits).max() < 1e-5
    assert (one.argmax(axis=1) == logits.argmax(axis=1)).all()
    assert logits.dtype == np.float32 and logits.shape == (40, 3)
    assert classifier.predict_logits([]).shape == (0, 3)


def test_equal_seeds_give_equal_logits_and_other_seeds_others(folder):
    texts = toy_split(20, seed=3)["text"]

    def logits(seed):
        method = EmbeddingHead()
        task = toy_task(
            method, bind_model(folder), seed=seed, documents=32, **QUICK | {"epochs": 1}
        )
        classifier = method.fit(task)
        return classifier.predict_logits(texts), classifier.facts["batches_digest"]

    (first, digest), (same, same_digest), (other, other_digest) = map(logits, (0, 0, 1))
    assert np.array_equal(first, same) and digest == same_digest
    assert not np.array_equal(first, other) and digest != other_digest


PROBE = """
import json, sys
from pathlib import Path
import numpy as np, torch
from benchbench_finetune.embedding_head import EmbeddingHead
from tests.support.models import bind_model
torch.manual_seed(1234)
saved, model, probes, answers = map(Path, sys.argv[1:])
classifier = EmbeddingHead().load(saved, bind_model(model, "nf4"))
np.save(answers, classifier.predict_logits(json.loads(probes.read_text())))
"""


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_classifier_answers_alike_in_a_fresh_process(fitted, folder, tmp_path, kind):
    classifier, _ = fitted[kind]
    texts = [*toy_split(31, seed=4)["text"], ""]
    expected = classifier.predict_logits(texts)
    classifier.save(tmp_path / "saved")
    (tmp_path / "probes.json").write_text(json.dumps(texts))
    arguments = [tmp_path / "saved", folder, tmp_path / "probes.json", tmp_path / "answers.npy"]
    subprocess.run([sys.executable, "-c", PROBE, *map(str, arguments)], check=True)
    answers = np.load(tmp_path / "answers.npy")
    assert abs(answers - expected).max() <= 1e-6
    assert (answers.argmax(axis=1) == expected.argmax(axis=1)).all()
    assert classifier.labels.names == tuple(
        json.loads((tmp_path / "saved" / "labels.json").read_text())["names"]
    )


def without_head_bias(saved):
    from safetensors.torch import load_file, save_file

    tensors = load_file(saved / "head.safetensors")
    tensors.pop("0.bias")
    save_file(tensors, saved / "head.safetensors")


def with_swapped_labels(saved):
    data = json.loads((saved / "labels.json").read_text())
    data["names"][:2] = reversed(data["names"][:2])
    (saved / "labels.json").write_text(json.dumps(data))


@pytest.mark.parametrize(
    "damage",
    [
        without_head_bias,
        with_swapped_labels,
        lambda saved: (saved / "adapter.safetensors").unlink(),
        lambda saved: (saved / "settings.json").unlink(),
    ],
    ids=["head-tensor-dropped", "labels-swapped", "no-adapter", "no-settings"],
)
def test_a_damaged_folder_is_refused(fitted, folder, tmp_path, damage):
    fitted["single-label"][0].save(tmp_path / "saved")
    damage(tmp_path / "saved")
    with pytest.raises(GuardError):
        EmbeddingHead().load(tmp_path / "saved", bind_model(folder, "nf4"))


def test_another_model_than_trained_on_is_refused(fitted, tmp_path):
    fitted["single-label"][0].save(tmp_path / "saved")
    other = write_model(tmp_path / "other", [WORDS], layers=1)
    with pytest.raises(GuardError, match="tensors too many"):
        EmbeddingHead().load(tmp_path / "saved", bind_model(other, "nf4"))


def test_a_training_that_diverges_gives_no_classifier(folder, monkeypatch):
    """Planted: the sixth batch has an embedding that is no number."""
    calls = []
    honest = DocumentEmbedder.embed

    def embed(self, documents):
        calls.append(documents)
        vectors = honest(self, documents)
        return vectors * float("nan") if len(calls) == 6 else vectors

    monkeypatch.setattr(DocumentEmbedder, "embed", embed)
    with pytest.raises(Diverged, match="step 6"):
        EmbeddingHead().fit(toy_task(EmbeddingHead(), bind_model(folder), **QUICK))


def test_logits_that_are_no_numbers_are_never_given_out(folder):
    classifier = EmbeddingHead().fit(
        toy_task(EmbeddingHead(), bind_model(folder), documents=8, **QUICK | {"epochs": 1})
    )
    with torch.no_grad():
        classifier.head[-1].bias[0] = float("nan")
    with pytest.raises(Diverged, match="the logits"):
        classifier.predict_logits(["pump"])


def test_a_quantised_head_is_refused(folder, monkeypatch):
    import bitsandbytes as bnb
    from benchbench_finetune import head

    def quantised(kind, width, n_labels):
        return torch.nn.Sequential(bnb.nn.Linear4bit(width, n_labels))

    monkeypatch.setattr(head, "build_head", quantised)
    with pytest.raises(GuardError, match="head is quantised"):
        EmbeddingHead().fit(toy_task(EmbeddingHead(), bind_model(folder), **QUICK))


@pytest.mark.parametrize(
    "params",
    [
        {"pooling": "mean", "head": "mlp"},
        {"pooling": "max", "class_weights": "balanced", "patience": 2},
        {"gradient_checkpointing": True, "accumulation": 2, "schedule": "cosine"},
    ],
    ids=["mlp-on-mean", "balanced-on-max", "checkpointing"],
)
@pytest.mark.parametrize("kind", KINDS)
def test_every_variant_trains_saves_and_loads(folder, tmp_path, kind, params):
    method = EmbeddingHead()
    quick = QUICK | {"epochs": 2} | params
    task = toy_task(method, bind_model(folder), kind=kind, documents=24, **quick)
    classifier = method.fit(task)
    classifier.save(tmp_path)
    texts = toy_split(8, seed=5)["text"]
    again = method.load(tmp_path, bind_model(folder))
    assert np.array_equal(again.predict_logits(texts), classifier.predict_logits(texts))
    assert classifier.facts["gradient_checkpointing"] == ("gradient_checkpointing" in params)
    said = TrainingFacts.of(classifier.facts)
    rule = (
        "ends after 2 epochs without a lower one"
        if "patience" in params
        else ("the best of all epochs is kept")
    )
    assert said.early_stopping == f"{said.minimises}; {rule}"
    assert said.class_weights == ("balanced" if "class_weights" in params else "no")


def test_checkpointing_changes_memory_and_not_the_result(folder):
    texts = toy_split(8, seed=5)["text"]
    quick = QUICK | {"epochs": 1, "dropout": 0.0}
    logits = [
        EmbeddingHead()
        .fit(toy_task(EmbeddingHead(), bind_model(folder), **quick, gradient_checkpointing=wanted))
        .predict_logits(texts)
        for wanted in (True, False)
    ]
    assert abs(logits[0] - logits[1]).max() < 1e-4


def plainly(monkeypatch):
    """Compute adapters as peft does, the last layer whole, and the optimizer a tensor at a time."""
    adamw = torch.optim.AdamW
    monkeypatch.setattr(lora, "fuse_adapters", lambda model: 0)
    monkeypatch.setattr(last_layer, "_narrow", lambda model: False)
    monkeypatch.setattr(torch.optim, "AdamW", lambda *a, fused, **o: adamw(*a, foreach=False, **o))


@pytest.mark.parametrize("quantization", ["nf4", "none"])
def test_training_gives_what_the_plain_path_gives(folder, monkeypatch, quantization):
    """The same seed, batches and steps; dropout apart, whose draws are others."""
    texts = toy_split(50, seed=5)["text"]
    quick = QUICK | {"epochs": 2, "dropout": 0.0, "learning_rate": 1e-3}
    logits = []
    for _ in range(2):
        method = EmbeddingHead()
        classifier = method.fit(toy_task(method, bind_model(folder, quantization), **quick))
        logits.append(classifier.predict_logits(texts))
        plainly(monkeypatch)
    assert abs(logits[0] - logits[1]).max() < 1e-5


def test_long_documents_are_cut_to_the_context_and_counted(folder):
    train = toy_split(16).map(
        lambda row, index: {"text": row["text"] * (30 if index < 4 else 1)}, with_indices=True
    )
    task = toy_task(EmbeddingHead(), bind_model(folder), train=train, **QUICK | {"epochs": 1})
    classifier = EmbeddingHead().fit(task)
    assert classifier.facts["truncated_share"] == 0.25
    documents, _ = classifier.embedder.tokenize([train[0]["text"]])
    assert len(documents[0]) == 64


def test_validation_labels_that_training_never_saw_have_no_say(folder):
    task = toy_task(EmbeddingHead(), bind_model(folder), documents=16, **QUICK | {"epochs": 1})
    strange = task.validation.map(
        lambda row, index: {"labels": [3] if index % 2 else row["labels"]}, with_indices=True
    )
    labels = replace(task.labels, unseen=("zebras",))
    classifier = EmbeddingHead().fit(replace(task, labels=labels, validation=strange))
    assert classifier.predict_logits(["pump"]).shape == (1, 3)


def test_a_validation_split_without_known_labels_is_an_error(folder):
    task = toy_task(EmbeddingHead(), bind_model(folder), documents=16, **QUICK)
    strange = task.validation.map(lambda row: {"labels": [3]})
    with pytest.raises(BenchbenchError, match="larger validation split"):
        EmbeddingHead().fit(replace(task, validation=strange))


@pytest.mark.parametrize("kind", KINDS)
def test_a_document_counts_by_its_weight(kind):
    split = toy_split(3, kind=kind)
    weighted = split.remove_columns("weight").add_column("weight", [2.0, 1.0, 0.0])
    logits = torch.randn(3, 3, generator=torch.Generator().manual_seed(0))
    plain = Objective.build(kind, split, 3, torch.ones(3))
    alone = [float(plain.loss(logits[row : row + 1], [row])) for row in range(3)]
    assert float(plain.loss(logits, [0, 1, 2])) == pytest.approx(sum(alone) / 3)
    objective = Objective.build(kind, weighted, 3, torch.ones(3))
    assert float(objective.loss(logits, [0, 1, 2])) == pytest.approx((2 * alone[0] + alone[1]) / 3)


def test_balanced_labels_weigh_the_same_in_sum():
    import datasets

    train = datasets.Dataset.from_dict({"labels": [[0]] * 6 + [[1]] * 3 + [[2]]})
    single = label_weights("single-label", train, 3, "balanced")
    assert (single * torch.tensor([6, 3, 1])).tolist() == pytest.approx([10 / 3] * 3)
    multi = label_weights("multi-label", train, 3, "balanced")
    assert multi.tolist() == pytest.approx([4 / 6, 7 / 3, 9])
    assert label_weights("multi-label", train, 4, "balanced")[3] == 9
    assert label_weights("single-label", train, 3, "none").tolist() == [1, 1, 1]


def test_without_a_backbone_it_says_what_to_do():
    with pytest.raises(BenchbenchError, match="--backbone"):
        EmbeddingHead().fit(toy_task(EmbeddingHead()))


def test_the_saved_folder_holds_no_backbone_weights(fitted, folder, tmp_path):
    fitted["single-label"][0].save(tmp_path / "saved")
    names = {path.name for path in (tmp_path / "saved").iterdir()}
    assert names == {
        *("adapter.json", "adapter.safetensors", "head.safetensors"),
        *("labels.json", "settings.json"),
    }
    shutil.rmtree(tmp_path / "saved")

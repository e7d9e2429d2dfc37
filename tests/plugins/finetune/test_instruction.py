"""Instruction tuning, end to end on tiny random models."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from benchbench_finetune.instruction import Instruction
from benchbench_finetune.zero_shot import ZeroShot

from benchbench import BenchbenchError, GuardError, Skip, TrainingFacts
from benchbench.kit.data import multi_hot
from tests.support.models import bind_model, write_model
from tests.support.prompted import prompted_task

QUICK = {
    "epochs": 12,
    "patience": 0,
    "learning_rate": 0.005,
    "dropout": 0.0,
    "document_tokens": 32,
}


@pytest.fixture(scope="module")
def fitted(prompted_model):
    """One fitted classifier per format, with its task."""
    cases = {
        "one-label": {"multi": False},
        "yes-no": {"multi": True, "negatives": 1},
        "list": {"multi": True, "multi_label": "list"},
    }
    method, fitted = Instruction(), {}
    for name, options in cases.items():
        task = prompted_task(prompted_model, method, train=192, **QUICK, **options)
        fitted[name] = (task, method.fit(task))
    return fitted


FORMATS = ["one-label", "yes-no", "list"]


def test_a_toy_task_is_learned_single_label(fitted):
    task, classifier = fitted["one-label"]
    logits = classifier.predict_logits(task.validation["text"])
    assert (logits.dtype, logits.shape) == (np.float32, (48, 3))
    accuracy = (logits.argmax(1) == np.array(task.validation["main"])).mean()
    assert accuracy > 0.9


@pytest.mark.parametrize("name", ["yes-no", "list"])
def test_a_toy_task_is_learned_multi_label(fitted, name):
    task, classifier = fitted[name]
    gold = multi_hot(task.validation["labels"], 3)
    decided = classifier.predict_logits(task.validation["text"]) > 0
    micro_f1 = 2 * (decided * gold).sum() / (decided.sum() + gold.sum())
    always_yes = 2 * gold.sum() / (gold.size + gold.sum())
    assert always_yes < 0.65
    assert micro_f1 > 0.7
    assert classifier.facts["multi_label_format"] == name


@pytest.mark.parametrize("name", FORMATS)
def test_the_record_gets_its_facts(fitted, name):
    _, classifier = fitted[name]
    facts = classifier.facts
    assert facts["scoring"] == "tree"
    assert facts["tree_check"]["difference"] < 1e-3
    assert facts["trainable_parameters"] < facts["total_parameters"]
    assert facts["truncated_share"] == 0
    assert facts["learning_rate"] == 0.005
    assert (facts["micro_batches"] >= 1, facts["memory_retries"]) == (True, 0)
    assert len(facts["prompt_sha256"]) == len(facts["batches_digest"]) == 64
    guards = dict(facts["guards"])
    assert guards.pop("the base is really quantised") == "not applicable"  # it is whole here
    assert set(guards.values()) == {"passed"}
    assert facts["label_listed"] == (name != "yes-no")
    assert (facts["negatives_rate"] is not None) == (name == "yes-no")
    assert (facts["max_listed"] == 2) == (name == "list")
    said = TrainingFacts.of(facts)
    assert "over the vocabulary" in said.minimises
    assert said.early_stopping == f"{said.minimises}; the best of all epochs is kept"


@pytest.mark.parametrize("name", FORMATS)
def test_logits_keep_the_order_of_texts_and_do_not_depend_on_the_batch(fitted, name):
    task, classifier = fitted[name]
    texts = [text * (1 + number % 3) for number, text in enumerate(task.validation["text"][:12])]
    together = classifier.predict_logits(texts)
    alone = np.concatenate([classifier.predict_logits([text]) for text in texts])
    backwards = classifier.predict_logits(texts[::-1])[::-1]
    assert np.abs(together - alone).max() < 1e-4
    assert np.abs(together - backwards).max() < 1e-5
    assert np.array_equal(together > 0, alone > 0)
    assert classifier.predict_logits([]).shape == (0, 3)


LOAD = """
import sys, numpy as np
from pathlib import Path
from benchbench_finetune.instruction import Instruction
from tests.support.models import bind_model
for folder in map(Path, sys.argv[2:]):
    classifier = Instruction().load(folder, bind_model(Path(sys.argv[1])))
    texts = (folder / "probes.txt").read_text().splitlines()
    np.save(folder / "logits.npy", classifier.predict_logits(texts))
"""


def test_saved_classifiers_answer_the_same_in_a_fresh_process(fitted, prompted_model, tmp_path):
    for name, (task, classifier) in fitted.items():
        classifier.save(tmp_path / name)
        (tmp_path / name / "probes.txt").write_text("\n".join(task.validation["text"][:32]))
    folders = [str(tmp_path / name) for name in fitted]
    subprocess.run([sys.executable, "-c", LOAD, str(prompted_model), *folders], check=True)
    for name, (task, classifier) in fitted.items():
        loaded = np.load(tmp_path / name / "logits.npy")
        assert loaded.shape == (32, 3)
        assert np.abs(loaded - classifier.predict_logits(task.validation["text"][:32])).max() < 1e-5


def test_a_changed_prompt_or_label_list_is_refused_on_load(fitted, prompted_model, tmp_path):
    _, classifier = fitted["one-label"]
    classifier.save(tmp_path)
    settings = tmp_path / "settings.json"
    kept = settings.read_text()
    settings.write_text(kept.replace('"label_list": "auto"', '"label_list": "never"'))
    with pytest.raises(GuardError, match="prompt is not the one"):
        Instruction().load(tmp_path, bind_model(prompted_model))
    settings.write_text(kept)
    labels = tmp_path / "labels.json"
    labels.write_text(labels.read_text().replace("engines", "engine x"))
    with pytest.raises(GuardError, match="edited"):
        Instruction().load(tmp_path, bind_model(prompted_model))


def test_equal_seeds_give_equal_logits_and_other_seeds_other_ones(prompted_model):
    method, logits = Instruction(), []
    for seed in (0, 0, 1):
        task = prompted_task(prompted_model, method, seed=seed, epochs=1, train=32)
        classifier = method.fit(task)
        logits.append(classifier.predict_logits(task.validation["text"][:8]))
    assert np.array_equal(logits[0], logits[1])
    assert not np.array_equal(logits[0], logits[2])


def test_instruction_tuning_works_on_a_four_bit_base(prompted_model):
    method = Instruction()
    task = prompted_task(
        prompted_model,
        method,
        backbone=bind_model(prompted_model, quantization="nf4"),
        epochs=1,
        train=32,
    )
    classifier = method.fit(task)
    assert classifier.facts["four_bit_modules"] == 14
    assert classifier.facts["scoring"] == "tree"


def test_where_the_tree_cannot_be_used_the_logits_are_the_same(fitted):
    for name in FORMATS:
        task, classifier = fitted[name]
        plain = replace(classifier, scorer=replace(classifier.scorer, tree=False))
        texts = task.validation["text"][:6]
        difference = np.abs(plain.predict_logits(texts) - classifier.predict_logits(texts))
        assert difference.max() < 1e-3


@pytest.mark.parametrize("method", [Instruction(), ZeroShot()], ids=["instruction", "zero-shot"])
def test_a_missing_backbone_is_a_users_fault(prompted_model, method, tmp_path):
    task = replace(prompted_task(prompted_model, method), backbone=None)
    with pytest.raises(BenchbenchError, match="--backbone"):
        method.fit(task)


def test_a_label_list_that_does_not_fit_skips_the_cell(tmp_path):
    small = write_model(tmp_path / "small", ["text"], context=64)
    task = prompted_task(small, Instruction(), label_list="always")
    with pytest.raises(Skip, match=r"\d+ tokens and the model's context has 64"):
        Instruction().fit(task)


def test_documents_weigh_as_they_are_told(prompted_model):
    """A document of weight zero changes nothing, wherever its label points."""

    method, logits = Instruction(), []
    for label in (0, 1):
        task = prompted_task(prompted_model, method, epochs=1, train=32, dropout=0.0)
        columns = task.train.to_dict()
        columns["weight"] = [0.0, *[1.0] * 31]
        columns["labels"][0], columns["main"][0] = [label], label
        task = replace(task, train=type(task.train).from_dict(columns))
        logits.append(method.fit(task).predict_logits(task.validation["text"][:8]))
    assert np.abs(logits[0] - logits[1]).max() < 1e-5


def test_a_validation_label_that_training_never_saw_does_not_stop_the_run(prompted_model):
    method = Instruction()
    task = prompted_task(prompted_model, method, epochs=1, train=32)
    columns = task.validation.to_dict()
    columns["labels"][0], columns["main"][0] = [3], 3
    classifier = method.fit(replace(task, validation=type(task.validation).from_dict(columns)))
    assert classifier.predict_logits(columns["text"]).shape == (48, 3)


CODED = {
    "verbalizer": "code",
    "multi_label": "list",
    "label_list": "never",
    "learning_rate": 1e-2,
    "epochs": 15,
    "patience": 0,
}


@pytest.mark.parametrize("multi", [False, True], ids=["single-label", "multi-label"])
def test_codes_are_learned_saved_and_loaded(prompted_model, tmp_path, multi):
    method = Instruction()
    task = prompted_task(prompted_model, method, multi=multi, **CODED)
    classifier = method.fit(task)
    texts = task.validation["text"]
    logits = classifier.predict_logits(texts)
    classifier.save(tmp_path)
    again = method.load(tmp_path, task.backbone)
    assert np.array_equal(again.predict_logits(texts), logits)
    if not multi:
        assert len(classifier.answer_format.trie) == 0  # no token of a label is ever read
        assert (logits.argmax(1) == np.array(task.validation["main"])).mean() > 0.9


def test_certified_answers_are_those_of_complete_ones_and_say_what_they_left_out(
    prompted_model, tmp_path
):
    method = Instruction()
    task = prompted_task(prompted_model, method, scoring="certified")
    classifier = method.fit(task)
    texts = task.validation["text"]
    certified = classifier.predict_logits(texts)
    facts = classifier.facts["certified"]
    assert facts["documents"] == len(texts)
    assert 0 < facts["labels_scored"] <= len(texts) * len(task.labels)
    assert facts["largest_left_out"] < 1e-4
    classifier.save(tmp_path)
    complete = replace(
        method.load(tmp_path, task.backbone),
        answer_format=replace(classifier.answer_format, tally=None),
    )
    assert (
        np.abs(method.load(tmp_path, task.backbone).predict_logits(texts) - certified).max() < 1e-5
    )
    expected = complete.predict_logits(texts)
    assert (certified.argmax(1) == expected.argmax(1)).all()
    softmax = lambda rows: np.exp(rows) / np.exp(rows).sum(1, keepdims=True)  # noqa: E731
    assert np.abs(softmax(certified) - softmax(expected)).max() < 2e-4


def test_a_validation_split_without_any_known_label_is_refused_in_words(prompted_model):
    task = prompted_task(prompted_model, Instruction(), **QUICK)
    alien = task.validation.map(lambda row: {**row, "labels": [3], "main": 3})
    with pytest.raises(BenchbenchError, match="no validation document has a label that occurs"):
        Instruction().fit(replace(task, validation=alien))


@pytest.mark.parametrize("name", ["yes-no", "list"])
def test_documents_without_labels_are_learned_too(prompted_model, name):
    task = prompted_task(
        prompted_model, Instruction(), multi=True, multi_label=name, **QUICK | {"epochs": 1}
    )
    bare = task.train.map(
        lambda row, number: {"labels": row["labels"] if number % 10 else []}, with_indices=True
    )
    classifier = Instruction().fit(replace(task, train=bare, validation=bare))
    assert np.isfinite(classifier.predict_logits(task.train["text"][:4])).all()

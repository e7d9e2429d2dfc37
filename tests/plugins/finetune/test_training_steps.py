"""Steps of the methods that train: split batches, and how often a GPU would be waited for."""

from __future__ import annotations

import math
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from benchbench_finetune.embedder import DocumentEmbedder
from benchbench_finetune.embedding_head import EmbeddingHead
from benchbench_finetune.head import HeadSettings, assemble, training_task
from benchbench_finetune.instruction import Instruction

from benchbench.kit.scoring import Beginning, Scorer
from benchbench.kit.scoring.scorer import PromptReader
from benchbench.kit.training import (
    TrainingPlan,
    adapter_groups,
    attach,
    checkpoints,
    save_adapter,
)
from benchbench.kit.training.checkpoints import Checkpoints
from benchbench.kit.training.steps import Steps
from tests.support.counting_device import DEVICE, counted_waits
from tests.support.models import load_model
from tests.support.prompted import prompted_task

PARAMS = {"dropout": 0.0, "batch_size": 8, "document_tokens": 32}


class Prepared(Exception):
    """A training is about to begin."""


@pytest.fixture
def prepare(monkeypatch, prompted_model):
    """What a method gives to `train`: the task and the plan of a training on a few documents."""

    def prepared(method, multi=False, **params):
        given = []

        def take(task, plan, *_):
            given.extend((task, plan))
            raise Prepared

        monkeypatch.setattr(sys.modules[type(method).__module__], "train", take)
        task = prompted_task(prompted_model, method, multi=multi, train=24, **PARAMS | params)
        weights = [1.0, 2.0, 3.0] * 8
        train = task.train.remove_columns("weight").add_column("weight", weights)
        with pytest.raises(Prepared):
            method.fit(replace(task, train=train))
        return given

    return prepared


def gradients(task, plan, batch, tokens):
    """Return the gradients of a step on a batch, its loss, and how many parts it had."""
    task.mode(training=True)
    steps = Steps(task, replace(plan, micro_tokens=tokens))
    losses = steps._gradients([batch])
    taken = [parameter.grad for parameter in steps.parameters]
    steps.optimizer.zero_grad(set_to_none=True)
    return taken, sum(share * loss.item() for share, loss in losses), len(losses)


@pytest.mark.parametrize(
    ("method", "options"),
    [
        (EmbeddingHead(), {}),
        (EmbeddingHead(), {"class_weights": "balanced", "pooling": "mean"}),
        (EmbeddingHead(), {"multi": True, "class_weights": "balanced", "head": "mlp"}),
        (Instruction(), {}),
        (Instruction(), {"verbalizer": "code"}),
        (Instruction(), {"shared_beginning": False}),
        (Instruction(), {"multi": True, "negatives": 1}),
        (Instruction(), {"multi": True, "multi_label": "list"}),
    ],
    ids=lambda value: getattr(value, "name", None) or "-".join(map(str, value.values())) or "plain",
)
def test_a_split_batch_has_the_gradient_of_the_whole(prepare, method, options):
    task, plan = prepare(method, **options)
    batch = task.batches(0)[0]
    lengths = task.lengths(batch)
    assert len(lengths) == len(batch) == 8
    for parameter in task.parameters():  # fresh adapters pass no gradient to half of them
        torch.nn.init.normal_(parameter, std=0.05)
    whole, loss, parts = gradients(task, plan, batch, 10**6)
    assert parts == 1
    largest = max(float(gradient.abs().max()) for gradient in whole)
    for tokens, least in ((4 * max(lengths), 2), (1, 8)):
        split, same_loss, parts = gradients(task, plan, batch, tokens)
        assert parts >= least
        assert same_loss == pytest.approx(loss, rel=1e-5)
        for one, other in zip(whole, split, strict=True):
            assert torch.allclose(one, other, rtol=1e-5, atol=1e-5 * largest)


def test_what_all_prompts_begin_with_is_read_once_per_step(prepare, monkeypatch):
    task, plan = prepare(Instruction())
    task.loss(task.batches(0)[0])  # tries what the model's build allows, once
    read, lengths = Beginning.read, []

    def noted(model, ids):
        lengths.append(len(ids))
        return read(model, ids)

    monkeypatch.setattr(Beginning, "read", noted)
    *_, parts = gradients(task, plan, task.batches(0)[0], 1)
    assert parts == 8
    assert len(lengths) == 1


def test_what_all_prompts_begin_with_counts_for_no_document(prepare):
    shared, _ = prepare(Instruction())
    apart, _ = prepare(Instruction(), shared_beginning=False)
    batch = shared.batches(0)[0]
    fewer, more = shared.lengths(batch), apart.lengths(batch)
    saved = {there - here for here, there in zip(fewer, more, strict=True)}
    assert len(saved) == 1
    assert saved.pop() > 10
    assert more[0] == len(batch[0].prompt) + len(batch[0].targets[0].tokens) - 1


@pytest.fixture
def plain_optimizer(monkeypatch):
    """What steps on a device without values, where the fused functions refuse it."""
    plain, clip = torch.optim.SGD, torch.nn.utils.clip_grad_norm_
    monkeypatch.setattr(torch.optim, "AdamW", lambda parameters, lr, **_: plain(parameters, lr))
    monkeypatch.setattr(
        torch.nn.utils, "clip_grad_norm_", lambda parameters, norm, **_: clip(parameters, norm)
    )


def waits_of_a_step(task, plan):
    """Return what the second step of a training, on the counting device, waits for."""
    batch = task.batches(0)[0]
    task.mode(training=True)
    steps = Steps(task, plan)
    steps.changed = True  # the look at the weights after the first step is not counted
    with counted_waits() as waits:
        steps.step([batch])
    return waits


@pytest.mark.parametrize("multi", [False, True], ids=["single-label", "multi-label"])
def test_a_step_of_the_head_waits_twice_for_the_device(prompted_model, plain_optimizer, multi):
    method = EmbeddingHead()
    task = prompted_task(prompted_model, method, multi=multi, train=24, **PARAMS)
    loaded = load_model(prompted_model)
    attach(loaded.model, task.params, 0)
    warm = assemble(loaded, task.labels, HeadSettings.of(task), save_adapter)
    warm.predict_logits(task.train["text"][:2])  # tries what the model's build allows, once
    loaded.model.to(DEVICE)
    moved = replace(loaded, facts={**loaded.facts, "device": DEVICE})
    classifier = assemble(moved, task.labels, HeadSettings.of(task), save_adapter)
    plan = TrainingPlan.from_params(task.params, 64)
    training, _ = training_task(classifier, task, plan, adapter_groups(moved.model))
    waits = waits_of_a_step(training, plan)
    assert len(waits) <= 2, waits


@pytest.mark.parametrize(
    "options",
    [{}, {"shared_beginning": False}, {"multi": True}, {"multi": True, "multi_label": "list"}],
    ids=["one-label", "nothing-shared", "yes-no", "list"],
)
def test_a_step_of_the_instruction_waits_twice_for_the_device(prepare, plain_optimizer, options):
    task, plan = prepare(Instruction(), **options)
    task.loss(task.batches(0)[0])  # tries what the model's build allows, once
    for module in task.modules:
        module.to(DEVICE)
    moved = replace(task, groups=adapter_groups(task.modules[0]))
    waits = waits_of_a_step(moved, plan)
    assert len(waits) <= 2, waits


def test_a_value_that_is_read_in_a_loss_is_counted(prepare, plain_optimizer):
    task, plan = prepare(Instruction())
    task.loss(task.batches(0)[0])
    for module in task.modules:
        module.to(DEVICE)

    def waiting(batch):
        loss = task.loss(batch)
        return loss * math.exp(0 * loss.item())

    spoiled = replace(task, loss=waiting, groups=adapter_groups(task.modules[0]))
    assert len(waits_of_a_step(spoiled, plan)) == 1 + len(waits_of_a_step(task, plan))


def room_for_one(monkeypatch, cls, name):
    """Let a method find memory full for more than one row; return the rows of each call."""
    usual, sizes = getattr(cls, name), []

    def full(self, rows, *arguments):
        sizes.append(len(rows))
        if len(rows) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return usual(self, rows, *arguments)

    monkeypatch.setattr(cls, name, full)
    return sizes


def test_the_head_predicts_the_same_where_memory_holds_one_document(prompted_model, monkeypatch):
    method = EmbeddingHead()
    task = prompted_task(prompted_model, method, train=24, **PARAMS)
    loaded = load_model(prompted_model)
    classifier = assemble(loaded, task.labels, HeadSettings.of(task), save_adapter)
    expected = classifier.predict_logits(task.train["text"])
    sizes = room_for_one(monkeypatch, DocumentEmbedder, "embed")
    assert np.allclose(classifier.predict_logits(task.train["text"]), expected, atol=1e-5)
    assert sizes[0] == 24
    assert sizes.count(1) == 24


def test_validation_is_the_same_where_memory_holds_one_prompt(prepare, monkeypatch):
    task, _ = prepare(Instruction())
    task.mode(training=False)
    with torch.no_grad():
        expected = task.validate()
        sizes = room_for_one(monkeypatch, Scorer, "scores_each")
        assert task.validate() == pytest.approx(expected, rel=1e-5)
    assert sizes[0] == 32
    assert sizes.count(1) == 48


def test_prompts_are_scored_the_same_where_memory_holds_one(prompted_model, monkeypatch):
    method = Instruction()
    task = prompted_task(prompted_model, method, train=24, epochs=1, **PARAMS)
    classifier = method.fit(task)
    expected = classifier.predict_logits(task.train["text"])
    sizes = room_for_one(monkeypatch, PromptReader, "read")
    assert np.allclose(classifier.predict_logits(task.train["text"]), expected, atol=1e-4)
    assert sizes[0] == 24
    assert sizes.count(1) == 24


@pytest.mark.parametrize("method", [EmbeddingHead(), Instruction()], ids=lambda m: m.name)
def test_a_training_that_was_ended_goes_on_to_the_same_logits(
    method, prompted_model, tmp_path, monkeypatch
):
    """A training of its own that was ended is gone on with, dropout and all."""
    monkeypatch.setattr(checkpoints, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(checkpoints, "LARGEST_SHARE", math.inf)
    reports = []

    def fit(folder, ends_at=None):
        def report(*_):
            reports.append(1)
            if len(reports) == ends_at:
                raise Prepared

        reports.clear()
        params = {"epochs": 2, "batch_size": 8, "document_tokens": 32, "dropout": 0.3}
        task = prompted_task(prompted_model, method, train=24, **params)
        object.__setattr__(task, "report", report)
        with Checkpoints(folder).enabled():
            return method.fit(task).predict_logits(["water and light", "engine"])

    expected = fit(None)
    with pytest.raises(Prepared):
        fit(tmp_path, ends_at=6)
    assert (fit(tmp_path) == expected).all()

"""The steps of a training: micro-batches, lack of memory, and what the device is waited for."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from benchbench.contract.errors import Diverged
from benchbench.kit.training.micro_batches import MicroBatches
from benchbench.kit.training.steps import Steps
from tests.kit.training.test_loop import INPUTS, TARGETS, plan_of, silent, train, training_task

FULL = [
    MemoryError(),
    RuntimeError("CUDA error: out of memory"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
]
LENGTHS = [3, 3, 3, 4, 5, 5, 6, 7]


def dropping():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 16), nn.Dropout(0.5), nn.Linear(16, 2))


def task_of(model, **given):
    """Return a task whose batches of eight have the lengths above."""
    return replace(training_task(model, **given), lengths=lambda rows: LENGTHS[: len(rows)])


class Full:
    """A loss that finds memory full: in these of its calls, and for more rows than these."""

    def __init__(self, model, error, calls=(), rows=math.inf):
        self.model, self.error, self.calls, self.rows = model, error, calls, rows
        self.seen = []

    def __call__(self, rows):
        self.seen.append(len(rows))
        loss = nn.functional.cross_entropy(self.model(INPUTS[rows]), TARGETS[rows])
        if len(self.seen) in self.calls or len(rows) > self.rows:
            raise self.error
        return loss


def weights_after(model, task, **params):
    steps = Steps(task, plan_of(**params))
    losses = [values["loss"] for values in steps.epoch(0) if values is not None]
    return torch.cat([weight.detach().flatten() for weight in model.parameters()]), losses, steps


@pytest.mark.parametrize("accumulation", [1, 3])
@pytest.mark.parametrize("tokens", [1, 14, 20])
def test_micro_batches_train_as_whole_batches_do(tokens, accumulation):
    trained = {}
    for micro in ("auto", tokens):
        torch.manual_seed(0)
        model = nn.Linear(6, 2)
        trained[micro] = weights_after(
            model, task_of(model), micro_tokens=micro, accumulation=accumulation
        )
    whole, parts = trained["auto"], trained[tokens]
    assert torch.allclose(whole[0], parts[0], atol=1e-6)
    assert whole[1] == pytest.approx(parts[1], rel=1e-5)
    assert whole[2].facts == {"micro_batches": accumulation, "memory_retries": 0}
    assert parts[2].facts["micro_batches"] == accumulation * {1: 8, 14: 4, 20: 3}[tokens]


@pytest.mark.parametrize("error", FULL, ids=["MemoryError", "cuda", "cublas", "OutOfMemoryError"])
def test_a_step_that_finds_memory_full_is_repeated_in_smaller_parts(error):
    model = nn.Linear(6, 2)
    loss = Full(model, error, calls=(2,))
    _, _, steps = weights_after(model, task_of(model, loss=loss))
    assert steps.facts["memory_retries"] == 1
    assert loss.seen[:2] == [8, 8]
    assert len(loss.seen) == 2 + 3 * steps.facts["micro_batches"]
    assert max(loss.seen[2:]) < 8


@pytest.mark.parametrize("error", FULL, ids=["MemoryError", "cuda", "cublas", "OutOfMemoryError"])
def test_memory_that_is_always_full_is_an_error_once_one_document_is_left(error):
    model = nn.Linear(6, 2)
    loss = Full(model, error, rows=0)
    with pytest.raises(type(error)) as caught:
        weights_after(model, task_of(model, loss=loss))
    assert caught.value is error
    assert loss.seen[-1] == 1
    assert loss.seen == sorted(loss.seen, reverse=True)


def test_the_parts_stay_small_and_the_curve_says_how_often_memory_ran_out():
    model, curve = nn.Linear(6, 2), []
    loss = Full(model, MemoryError(), rows=2)
    facts = train(
        task_of(model, loss=loss), plan_of(epochs=2), lambda *row: curve.append(row), seed=0
    )
    retries = [values["memory_retries"] for _, _, values in curve if "loss" in values]
    assert retries == [facts["memory_retries"]] * 8
    assert facts["micro_batches"] >= 4
    assert len(loss.seen) == facts["memory_retries"] + 8 * facts["micro_batches"]


def test_a_repeated_step_changes_the_weights_as_if_it_were_the_first(monkeypatch):
    """Memory runs out in the third part of four, when two have left gradients and drawn dropout."""
    trained = []
    for calls in ((), (3,)):
        model = dropping()
        task = task_of(model, loss=Full(model, MemoryError(), calls=calls))
        task.mode(training=True)
        steps = Steps(task, plan_of(micro_tokens=14))
        monkeypatch.setattr(MicroBatches, "halve", lambda *_: True)  # so that both are cut alike
        torch.manual_seed(1)
        steps.step([list(range(8))])
        trained.append([weight.detach().clone() for weight in model.parameters()])
    assert all(map(torch.equal, *trained))


def test_an_error_of_the_program_is_not_taken_for_a_lack_of_memory():
    model = nn.Linear(6, 2)
    loss = Full(model, RuntimeError("The size of tensor a (4) must match"), calls=(1,))
    with pytest.raises(RuntimeError, match="must match"):
        weights_after(model, task_of(model, loss=loss))
    assert loss.seen == [8]


@pytest.mark.parametrize("micro_tokens", ["auto", 14])
def test_no_weight_changes_by_a_loss_or_a_gradient_that_is_no_number(micro_tokens):
    for spoil, what in (
        (lambda loss: loss * math.nan, "the loss of step 1"),
        (lambda loss: (loss * 0).abs().sqrt(), "the gradient of step 1"),
    ):
        model = nn.Linear(6, 2)
        before = model.weight.detach().clone()
        plain = Full(model, None)
        task = task_of(model, loss=lambda rows, spoil=spoil, plain=plain: spoil(plain(rows)))
        with pytest.raises(Diverged, match=f"{what}: not a finite number; a lower learning rate"):
            train(task, plan_of(micro_tokens=micro_tokens), silent, seed=0)
        assert torch.equal(model.weight, before)

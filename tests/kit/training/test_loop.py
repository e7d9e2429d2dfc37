from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from benchbench.contract.errors import Diverged, HeadFrozen
from benchbench.kit.training import TrainingTask, train
from benchbench.kit.training.training_plan import (
    TRAINING_PARAMETERS,
    TrainingPlan,
)

INPUTS = torch.randn(32, 6, generator=torch.Generator().manual_seed(0))
TARGETS = (INPUTS[:, 0] > 0).long()


def plan_of(**params):
    defaults = {parameter.name: parameter.default for parameter in TRAINING_PARAMETERS}
    defaults |= {"learning_rate": 0.05, "batch_size": 8, "patience": 0}
    return TrainingPlan.from_params(defaults | params, hidden_size=64)


def training_task(model, *, size=8, loss=None, validate=None, groups=None, scaled=False):
    def mean(rows):
        return nn.functional.cross_entropy(model(INPUTS[rows]), TARGETS[rows])

    def batches(epoch):
        rows = list(range(len(INPUTS)))
        return [rows[start : start + size] for start in range(0, len(rows), size)]

    return TrainingTask(
        modules=[model],
        groups=groups or {"head": list(model.parameters())},
        batches=batches,
        loss=loss or mean,
        lengths=lambda rows: [1] * len(rows),
        validate=validate or (lambda: float(mean(range(32)))),
        scaled=scaled,
    )


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Linear(6, 2)


def silent(step, total, values):
    pass


def test_training_lowers_the_loss_and_reports_its_curve(model):
    curve = []
    plan = plan_of(epochs=5)
    facts = train(training_task(model), plan, lambda *row: curve.append(row), seed=0)
    losses = [values["validation_loss"] for _, _, values in curve if "validation_loss" in values]
    assert losses[-1] < 0.8 * losses[0]
    assert facts["steps"] == 20 == curve[-1][0] == curve[-1][1]
    assert facts["best_epoch"] == 1 + losses.index(min(losses))
    steps = [values for _, _, values in curve if "loss" in values]
    assert len(steps) == 20
    assert all(values["documents_per_second"] > 0 for values in steps)
    assert max(values["learning_rate"] for values in steps) == pytest.approx(0.05)


def test_accumulated_batches_step_as_one_batch_of_their_documents():
    """Batches of 5 in groups of 3 leave a short batch (2) in a short group, which must count so."""
    weights = []
    for size, accumulation in ((15, 1), (5, 3)):
        torch.manual_seed(0)
        model = nn.Linear(6, 2)
        plan = plan_of(epochs=2, accumulation=accumulation)
        train(training_task(model, size=size), plan, silent, seed=0)
        weights.append(model.weight.detach())
    assert torch.allclose(*weights, atol=1e-6)


def test_the_weights_of_the_best_epoch_stay(model):
    seen, losses = [], iter([3.0, 1.0, 2.0, 2.5])

    def validate():
        seen.append(model.weight.detach().clone())
        return next(losses)

    facts = train(training_task(model, validate=validate), plan_of(epochs=4), silent, seed=0)
    assert facts["best_epoch"] == 2
    assert torch.equal(model.weight, seen[1])
    assert not torch.equal(model.weight, seen[3])


@pytest.mark.parametrize(("patience", "epochs"), [(0, 6), (1, 3), (2, 4)])
def test_patience_ends_the_training(model, patience, epochs):
    losses = iter([3.0, 1.0, 2.0, 2.0, 2.0, 2.0])
    task = training_task(model, validate=lambda: next(losses))
    facts = train(task, plan_of(epochs=6, patience=patience), silent, seed=0)
    assert facts["epochs_run"] == epochs


def test_a_loss_that_is_no_number_ends_the_training_at_its_step(model):
    calls = []

    def loss(rows):
        calls.append(rows)
        value = nn.functional.cross_entropy(model(INPUTS[rows]), TARGETS[rows])
        return value * float("nan") if len(calls) == 6 else value

    with pytest.raises(Diverged, match="step 6"):
        train(training_task(model, loss=loss), plan_of(epochs=3), silent, seed=0)
    assert len(calls) == 6


def test_an_infinite_gradient_under_a_finite_loss_is_caught(model):
    def loss(rows):
        return (model(INPUTS[rows]) * 0).sum().abs().sqrt()

    with pytest.raises(Diverged, match="gradient of step 1"):
        train(training_task(model, loss=loss), plan_of(), silent, seed=0)


def test_a_validation_loss_that_is_no_number_is_caught(model):
    with pytest.raises(Diverged, match="validation loss of epoch 1"):
        train(training_task(model, validate=lambda: math.nan), plan_of(), silent, seed=0)


def test_weights_that_are_no_numbers_are_caught_at_the_end(model):
    """A parameter outside the loss gets no gradient: only the look at the end can find it."""
    model.register_parameter("stray", nn.Parameter(torch.tensor([math.nan])))
    groups = {"head": [model.weight]}
    with pytest.raises(Diverged, match="trained weights"):
        train(training_task(model, groups=groups), plan_of(), silent, seed=0)


def test_equal_seeds_train_equal_weights_through_dropout():
    def trained(seed):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Dropout(0.5), nn.Linear(6, 2))
        train(training_task(model), plan_of(), silent, seed=seed)
        return model[1].weight.detach()

    assert torch.equal(trained(1), trained(1))
    assert not torch.equal(trained(1), trained(2))


def test_validation_runs_in_eval_mode_without_gradients(model):
    modes = []

    def validate():
        modes.append((model.training, torch.is_grad_enabled()))
        return 1.0

    train(training_task(model, validate=validate), plan_of(epochs=2), silent, seed=0)
    assert modes == [(False, False)] * 2
    assert not model.training


class Body(nn.Module):
    """A base with an adapter and a head."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.adapter, self.head = nn.Linear(6, 6), nn.Linear(6, 2)

    def forward(self, inputs):
        return self.head(inputs + self.adapter(inputs))


def freeze_head(body):
    body.head.requires_grad_(False)


def freeze_bias(body):
    body.head.bias.requires_grad_(False)


def cut_adapter(body):
    body.forward = lambda inputs: body.head(inputs + body.adapter(inputs).detach())


@pytest.mark.parametrize(
    ("sabotage", "message"),
    [
        (lambda body: None, None),
        (freeze_head, "2 of 2 parameters of 'head' are frozen"),
        (freeze_bias, "1 of 2 parameters of 'head' are frozen"),
        (cut_adapter, "'adapter' did not change"),
    ],
    ids=["all-trained", "head-frozen", "bias-frozen", "adapter-cut-off"],
)
def test_what_must_be_trained_is_watched(sabotage, message):
    body = Body()
    sabotage(body)
    groups = {"head": list(body.head.parameters()), "adapter": list(body.adapter.parameters())}
    task = training_task(body, groups=groups)
    if message is None:
        assert train(task, plan_of(epochs=1), silent, seed=0)["epochs_run"] == 1
    else:
        with pytest.raises(HeadFrozen, match=message):
            train(task, plan_of(epochs=1), silent, seed=0)


@pytest.mark.parametrize("bad_steps", [1, 100], ids=["first-step", "every-step"])
def test_a_scaled_training_leaves_out_steps_with_infinite_gradients_but_not_all(model, bad_steps):
    calls = []

    def loss(rows):
        calls.append(rows)
        if len(calls) <= bad_steps:
            return (model(INPUTS[rows]) * 0).sum().abs().sqrt()
        return nn.functional.cross_entropy(model(INPUTS[rows]), TARGETS[rows])

    before = model.weight.detach().clone()
    task = training_task(model, loss=loss, scaled=True)
    if bad_steps == 1:
        assert train(task, plan_of(epochs=1), silent, seed=0)["steps"] == 4
        assert not torch.equal(model.weight, before)
    else:
        with pytest.raises(Diverged, match="no step was taken"):
            train(task, plan_of(epochs=1), silent, seed=0)

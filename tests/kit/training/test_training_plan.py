"""A training's budget: the rate over its steps, and what auto stands for."""

from __future__ import annotations

import pytest

from benchbench.kit.training.micro_batches import CPU_TOKENS, WHOLE
from benchbench.kit.training.training_plan import (
    TRAINING_PARAMETERS,
    TrainingPlan,
    auto_learning_rate,
)


def plan_of(**params):
    defaults = {parameter.name: parameter.default for parameter in TRAINING_PARAMETERS}
    defaults |= {"learning_rate": 0.05, "batch_size": 8, "patience": 0}
    return TrainingPlan.from_params(defaults | params, hidden_size=64)


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_the_rate_warms_up_decays_and_is_never_zero(schedule):
    plan = plan_of(schedule=schedule, warmup=0.1, learning_rate=0.5)
    rates = [plan.rate(step, 100) for step in range(100)]
    assert rates[9] == rates[10] == max(rates) == 0.5
    assert rates[:10] == sorted(rates[:10])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert min(rates) > 0
    assert rates[55] == pytest.approx(0.25)


def test_a_training_of_one_step_takes_the_full_rate():
    assert plan_of(warmup=0.1).rate(0, 1) == 0.05
    assert plan_of(warmup=0.0).rate(0, 1) == 0.05


def test_the_automatic_rate_is_that_of_qlora_at_its_width():
    assert auto_learning_rate(4096) == pytest.approx(2e-4)
    assert auto_learning_rate(2048) == pytest.approx(4e-4)
    assert auto_learning_rate(64) == 2e-3
    assert plan_of(learning_rate="auto").learning_rate == auto_learning_rate(64)


@pytest.mark.parametrize(
    ("wanted", "device", "tokens"),
    [("auto", "cpu", CPU_TOKENS), ("auto", "cuda", WHOLE), (77, "cpu", 77), (77, "cuda", 77)],
)
def test_micro_tokens_are_what_is_asked_for_or_what_suits_the_device(wanted, device, tokens):
    assert plan_of(micro_tokens=wanted).micro_batches(device).tokens == tokens

"""A training's budget: the rate over its steps, and what auto stands for."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from benchbench.kit.training import AdapterSettings, training_plan
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


class Loaded:
    """A model of some sizes that says whether its layers were told to compute again."""

    def __init__(self, **sizes):
        self.told = False
        self.facts = {"device": "cuda", "dtype": "bfloat16", "int8_modules": 0,
                      "total_parameters": 1e9}  # fmt: skip
        self.model = self
        self.config = SimpleNamespace(to_dict=lambda: sizes)
        self.benchbench_adapter = AdapterSettings(16, 32.0, 0.05)

    def parameters(self):
        return [torch.nn.Parameter(torch.zeros(1000))]

    def gradient_checkpointing_enable(self, **_):
        self.told = True


SIZES = {"num_hidden_layers": 16, "hidden_size": 2048, "intermediate_size": 8192,
         "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 1000}  # fmt: skip


@pytest.mark.parametrize(
    ("gib", "params", "expected"),
    [
        (70, {}, False),
        (12, {}, True),
        (12, {"micro_tokens": 2048}, False),
        (70, {"gradient_checkpointing": True}, True),
        (12, {"gradient_checkpointing": False}, False),
    ],
    ids=["fits", "does-not-fit", "fits-by-parts", "asked-for", "refused"],
)
def test_a_gpu_computes_layers_again_where_memory_asks_for_it(monkeypatch, gib, params, expected):
    monkeypatch.setattr(training_plan, "_free_bytes", lambda device: gib * 2**30)
    loaded = Loaded(**SIZES)
    plan = plan_of(batch_size=16, document_tokens=1024, **params)
    assert training_plan.prepare_memory(loaded, plan) is loaded.told is expected


def test_a_model_of_unknown_sizes_goes_by_its_parameters(monkeypatch):
    monkeypatch.setattr(training_plan, "_free_bytes", lambda device: 0)
    loaded = Loaded(hidden_size=2048)
    assert not training_plan.prepare_memory(loaded, plan_of())
    loaded.facts["total_parameters"] = 8e9
    assert training_plan.prepare_memory(loaded, plan_of())


def test_a_cpu_computes_no_layer_again():
    loaded = Loaded(**SIZES)
    loaded.facts["device"] = "cpu"
    assert not training_plan.prepare_memory(loaded, plan_of())

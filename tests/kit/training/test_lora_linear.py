"""An adapter computed as one operation gives what peft gives, forwards and backwards."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbench.kit.training import lora, lora_linear
from tests.support.models import bind_model, write_model

PARAMS = {"rank": 4, "alpha": 8.0, "dropout": 0.0}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    return {family: write_model(root / family, family=family) for family in ("llama", "qwen2")}


def adapted(folder, quantization="nf4", dropout=0.0):
    """Return a model whose adapters do something."""
    model = bind_model(folder, quantization=quantization).load().model
    lora.attach(model, PARAMS | {"dropout": dropout}, seed=0)
    generator = torch.Generator().manual_seed(1)
    for tensor in lora.adapter_outputs(model):
        tensor.data.normal_(generator=generator)
    return model


def peft_again(model):
    """Take the fused forward off every layer."""
    for layer in model.modules():
        if hasattr(layer, "lora_A"):
            layer.__dict__.pop("forward", None)


def states_and_gradients(model):
    ids = torch.arange(2, 26).view(2, 12)
    model.zero_grad()
    states = model.base_model(input_ids=ids, use_cache=False).last_hidden_state
    (states * torch.linspace(-1, 1, states.numel()).view(states.shape)).sum().backward()
    return states.detach(), {n: p.grad for n, p in lora.adapter_tensors(model).items()}


def assert_same(result, expected):
    (states, gradients), (plain, plain_gradients) = result, expected
    assert torch.allclose(states, plain, rtol=1e-5, atol=1e-5)
    for name, gradient in plain_gradients.items():
        near = 1e-5 * float(gradient.abs().max())
        assert torch.allclose(gradients[name], gradient, rtol=1e-4, atol=near), name


def test_adapters_may_stay_as_peft_has_them(folders):
    model = bind_model(folders["llama"]).load().model
    lora.attach(model, PARAMS | {"fused": False}, seed=0)
    layers = [layer for layer in model.modules() if hasattr(layer, "lora_A")]
    assert layers and not any("forward" in layer.__dict__ for layer in layers)


@pytest.mark.parametrize("quantization", ["nf4", "none"])
@pytest.mark.parametrize("family", ["llama", "qwen2"], ids=["plain", "with-biases"])
def test_states_and_gradients_are_those_of_peft(folders, family, quantization):
    model = adapted(folders[family], quantization).train()
    fused = states_and_gradients(model)
    peft_again(model)
    assert_same(fused, states_and_gradients(model))


def test_weights_that_are_not_kept_dequantised_give_the_same(folders, monkeypatch):
    kept = adapted(folders["llama"])
    monkeypatch.setattr(lora_linear, "DENSE_BYTES", 0)
    packed = adapted(folders["llama"])
    layers = [m for m in packed.modules() if hasattr(m, "benchbench_dense")]
    assert layers and all(layer.benchbench_dense is None for layer in layers)
    assert_same(states_and_gradients(packed.train()), states_and_gradients(kept.train()))


def places(x, rate):
    """Return the positions that a test drops: a quarter, the same for as many numbers."""
    order = torch.randperm(x.numel(), generator=torch.Generator().manual_seed(x.numel()))
    return order[: x.numel() // 4]


def kept(x, rate):
    """Return the same as booleans."""
    mask = torch.ones(x.numel(), dtype=torch.bool)
    mask[places(x, rate)] = False
    return mask.view(x.shape)


@pytest.mark.parametrize("drawn", [places, kept])
def test_the_gradients_through_dropout_are_those_of_the_numbers_that_were_kept(
    folders, monkeypatch, drawn
):
    """peft is given a dropout that drops the very same numbers."""
    rate = 0.25

    class Same(torch.nn.Module):
        def forward(self, x):
            return x * kept(x, rate) / (1 - rate)

    monkeypatch.setattr(lora_linear, "_drawn", drawn)
    model = adapted(folders["llama"], dropout=rate).train()
    fused = states_and_gradients(model)
    peft_again(model)
    for layer in model.modules():
        if hasattr(layer, "lora_dropout"):
            layer.lora_dropout["default"] = Same()
    assert_same(fused, states_and_gradients(model))


def test_a_fault_in_the_scale_would_be_seen(folders):
    model = adapted(folders["llama"]).train()
    expected = states_and_gradients(model)
    for layer in model.modules():
        if hasattr(layer, "lora_A"):
            layer.scaling["default"] *= 1.01
    with pytest.raises(AssertionError):
        assert_same(states_and_gradients(model), expected)


def test_nothing_is_dropped_when_the_model_answers(folders):
    model = adapted(folders["llama"], dropout=0.5).eval()
    first, second = states_and_gradients(model), states_and_gradients(model)
    assert torch.equal(first[0], second[0])
    with torch.no_grad():
        ids = torch.arange(2, 26).view(2, 12)
        answer = model.base_model(input_ids=ids, use_cache=False).last_hidden_state
    assert torch.allclose(answer, first[0], atol=1e-5)


def one_layer(layer, forward, seed, narrow):
    """Return a layer's values and gradients for random numbers, in bfloat16 if `narrow`."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(24, layer.in_features, generator=generator).requires_grad_()
    weights = torch.randn(24, layer.out_features, generator=generator)
    inputs = (x, layer.lora_A["default"].weight, layer.lora_B["default"].weight)
    with torch.autocast("cpu", torch.bfloat16, enabled=narrow):
        values = forward(x)
        gradients = torch.autograd.grad((values.float() * weights).sum(), inputs)
    return [values.detach(), *gradients]


@pytest.mark.parametrize("quantization", ["nf4", "none"])
def test_in_bfloat16_a_layer_is_as_exact_as_that_of_peft(folders, quantization):
    """Both round; neither is further from float32 than the other."""
    model = adapted(folders["llama"], quantization).train()
    errors = {"fused": [], "peft": []}
    for seed, layer in enumerate(m for m in model.modules() if hasattr(m, "lora_A")):
        ways = {"fused": layer.forward, "peft": partial(type(layer).forward, layer)}
        exact = one_layer(layer, ways["peft"], seed, narrow=False)
        for name, forward in ways.items():
            parts = zip(one_layer(layer, forward, seed, narrow=True), exact, strict=True)
            errors[name].append([float((part - e).norm() / e.norm()) for part, e in parts])
    fused, peft = torch.tensor(errors["fused"]).mean(0), torch.tensor(errors["peft"]).mean(0)
    assert (fused < 1.1 * peft).all()
    assert (fused > 1e-3).all()  # it did compute in bfloat16


def test_narrow_numbers_without_autocast_are_left_to_peft(folders, monkeypatch):
    model = adapted(folders["llama"], "none").eval().to(torch.bfloat16)
    monkeypatch.setattr(lora_linear, "_sum", lambda *_: pytest.fail("computed by the sum"))
    with torch.no_grad():
        model.base_model(input_ids=torch.arange(2, 8)[None], use_cache=False)


def test_no_unpacked_weight_is_kept_for_the_backward_pass(folders, monkeypatch):
    monkeypatch.setattr(lora_linear, "DENSE_BYTES", 0)
    model = adapted(folders["llama"]).train()
    kept = set()

    def keep(tensor):
        kept.add(tuple(tensor.shape))
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        states_and_gradients(model)
    matrices = {
        (layer.out_features, layer.in_features)
        for layer in model.modules()
        if hasattr(layer, "lora_A")
    }
    assert kept and not kept & matrices


@settings(max_examples=30, deadline=None)
@given(st.floats(0.01, 0.9), st.integers(0, 10_000))
def test_each_number_is_dropped_with_the_rate_that_was_asked_for(rate, seed):
    numbers = 40_000
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        dropped = lora_linear.dropped_positions(numbers, rate)
    hit = torch.zeros(numbers)
    hit[dropped] = 1
    six_deviations = 6 * (rate * (1 - rate) / numbers) ** 0.5
    assert abs(float(hit.mean()) - rate) < six_deviations
    neighbours = float((hit[1:] * hit[:-1]).mean())  # drops are independent of each other
    assert abs(neighbours - rate**2) < 6 * (rate**2 / numbers) ** 0.5 + 2 * six_deviations * rate

"""A norm in one operation gives what transformers gives, and another kind of norm is left alone."""

from __future__ import annotations

import pytest
import torch

from benchbench.kit.training import fused_norms
from benchbench.kit.training.fused_norms import fuse_norms
from tests.support.models import load_model, write_model

IDS = torch.arange(2, 26).view(2, 12)
HERE = ("cpu",)


def states_and_gradients(model):
    """Return the final states, and the gradients of the embedded tokens."""
    given = model.get_input_embeddings()(IDS).detach().requires_grad_()
    states = model.base_model(inputs_embeds=given, use_cache=False).last_hidden_state
    weights = torch.linspace(-1, 1, states.numel()).view(states.shape)
    return states, torch.autograd.grad((states * weights).sum(), [given])[0]


@pytest.mark.parametrize(("family", "norms"), [("llama", 5), ("qwen2", 5), ("qwen3", 9)])
def test_values_and_gradients_are_those_of_the_plain_way(tmp_path, family, norms):
    model = load_model(write_model(tmp_path, family=family)).model
    generator = torch.Generator().manual_seed(0)
    for name, weight in model.named_parameters():
        if "norm" in name:
            torch.nn.init.normal_(weight.data, 1.0, 0.5, generator=generator)
    plain = states_and_gradients(model)
    assert fuse_norms(model, HERE) == norms
    for fused, expected in zip(states_and_gradients(model), plain, strict=True):
        assert torch.allclose(fused, expected, rtol=1e-4, atol=1e-5)


def test_in_half_precision_the_dtype_stays(tmp_path):
    model = load_model(write_model(tmp_path), dtype="bfloat16").model
    plain, _ = states_and_gradients(model)
    assert fuse_norms(model, HERE) > 0
    with torch.autocast("cpu", torch.bfloat16):
        fused, _ = states_and_gradients(model)
    assert fused.dtype == plain.dtype == torch.bfloat16
    assert (fused - plain).abs().max() <= 0.05 * plain.abs().max()


def test_on_a_cpu_every_norm_stays_as_it_is(tmp_path):
    model = load_model(write_model(tmp_path)).model
    assert fuse_norms(model) == 0


@pytest.mark.parametrize("family", ["gemma2", "gpt2"])
def test_norms_of_another_form_are_left_alone(tmp_path, family):
    model = load_model(write_model(tmp_path, family=family)).model
    assert fuse_norms(model, HERE) == 0
    assert not any("forward" in module.__dict__ for module in model.modules())


def test_a_norm_that_gives_other_gradients_is_found_out(tmp_path, monkeypatch):
    plain = fused_norms._forward

    def detached(norm, hidden_states):
        result = plain(norm, hidden_states)
        return result.detach() + 0 * hidden_states

    monkeypatch.setattr(fused_norms, "_forward", detached)
    assert fuse_norms(load_model(write_model(tmp_path)).model, HERE) == 0

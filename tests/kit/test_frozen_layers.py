"""Frozen layers can be left out where that changes nothing."""

from __future__ import annotations

import pytest
import torch

from benchbench.contract import BenchbenchError
from benchbench.kit import frozen_layers
from benchbench.kit.frozen_layers import (
    KNOWN,
    can_begin_at,
    decoder_layers,
    frozen_count,
    states_below,
)
from tests.support.models import ARCHITECTURES, load_model, write_model

IDS = torch.tensor([[3, 4, 5, 6, 7], [7, 6, 5, 4, 3]])
TAKE_NONE = ("gpt2", "bloom", "mpt", "falcon", "opt")
"""They compute more than embeddings before the first layer, or hand no keyword to their layers."""


@pytest.fixture
def model(tmp_path):
    return load_model(write_model(tmp_path / "llama", layers=4)).model


@pytest.mark.parametrize("family", ARCHITECTURES)
def test_a_model_begins_at_a_layer_or_computes_all_of_them(tmp_path, family):
    model = load_model(write_model(tmp_path / family, family=family, layers=4)).model
    assert len(decoder_layers(model)) == 4
    with torch.no_grad():
        before = model.base_model(input_ids=IDS, use_cache=False).last_hidden_state
        begins = can_begin_at(model, 3)
        assert begins == (family not in TAKE_NONE)
        if begins:
            states = states_below(model, 3, input_ids=IDS, use_cache=False)
            known = model.base_model(inputs_embeds=states, use_cache=False, **{KNOWN: True})
            assert torch.allclose(known.last_hidden_state, before, atol=1e-5)
        after = model.base_model(input_ids=IDS, use_cache=False).last_hidden_state
    assert torch.equal(before, after)  # without known states nothing has changed


def test_known_states_leave_the_layers_below_alone(model):
    assert can_begin_at(model, 2)
    states = states_below(model, 2, input_ids=IDS, use_cache=False)
    layers = decoder_layers(model)
    for parameter in layers[1].parameters():
        parameter.data.fill_(torch.nan)
    above = model.base_model(inputs_embeds=states, use_cache=False, **{KNOWN: True})
    assert above.last_hidden_state.isfinite().all()


def test_the_states_are_those_that_enter_the_layer(model):
    entered = []
    layer = decoder_layers(model)[1]
    hook = layer.register_forward_pre_hook(lambda _, given: entered.append(given[0]))
    model.base_model(input_ids=IDS, use_cache=False)
    hook.remove()
    assert torch.equal(states_below(model, 1, input_ids=IDS, use_cache=False), entered[0])


def test_a_model_that_drops_states_in_training_computes_its_layers(model):
    mlp = decoder_layers(model)[0].mlp
    usual = mlp.forward
    mlp.forward = lambda x: torch.nn.functional.dropout(usual(x), 0.1, mlp.training)
    before = torch.random.get_rng_state()
    assert not can_begin_at(model, 1)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_model_that_answers_otherwise_gets_its_layers_back(model, monkeypatch):
    monkeypatch.setattr(frozen_layers, "states_below", lambda *_, **__: torch.randn(2, 6, 32))
    before = model.base_model(input_ids=IDS, use_cache=False).last_hidden_state
    assert not can_begin_at(model, 2)
    assert not any("forward" in layer.__dict__ for layer in decoder_layers(model))
    after = model.base_model(input_ids=IDS, use_cache=False).last_hidden_state
    assert torch.equal(before, after)


@pytest.mark.parametrize(("asked", "frozen"), [("all", 0), (4, 0), (1, 3)])
def test_layers_are_counted_from_the_last_one_down(model, asked, frozen):
    assert frozen_count(model, asked) == frozen


def test_more_layers_than_there_are_is_said_in_one_line(model):
    with pytest.raises(BenchbenchError, match=r"adapter_layers=5: the model has 4 layers; set"):
        frozen_count(model, 5)


def test_a_model_without_a_list_of_layers_takes_all_or_none(model):
    del model.model.layers
    assert frozen_count(model, "all") == 0
    with pytest.raises(BenchbenchError, match="cannot be told apart; set adapter_layers to all"):
        frozen_count(model, 2)

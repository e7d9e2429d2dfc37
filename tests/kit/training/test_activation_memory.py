"""What a layer keeps for its backward pass is what autograd keeps."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import transformers
from benchbench_backbones.shapes import SHAPES

from benchbench.kit.model_shape import shape_of
from benchbench.kit.training.activation_memory import (
    LayerTraining,
    kept_bytes,
    layer_bytes,
    must_recompute,
)
from benchbench.kit.training.lora import attach

SMALL = {
    "hidden_size": 128,
    "intermediate_size": 448,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "vocab_size": 300,
}
ROWS, COLUMNS = 8, 64
LORA = LayerTraining(4, 16)
KINDS = {
    "lora": LORA,
    "dora": replace(LORA, dora=True, dropout_bytes=4),
    "everything": LayerTraining(4),
}
EIGHT = SHAPES["llama-3.1-8b"]


def llama(layers, kind):
    """A small Llama as it is trained: whole, or under adapters that drop out."""
    torch.manual_seed(0)
    config = transformers.LlamaConfig(num_hidden_layers=layers, **SMALL, attn_implementation="sdpa")
    model = transformers.LlamaForCausalLM(config).train()
    if kind != "everything":
        attach(model, {"rank": 16, "alpha": 32.0, "dropout": 0.05, "adapter": kind}, seed=0)
    return model


def kept_by_autograd(model):
    """The bytes that a forward pass over a padded batch keeps for the backward one."""
    kept = []
    weights = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    tokens = torch.randint(0, 300, (ROWS, COLUMNS))
    mask = torch.ones_like(tokens)
    mask[0, 40:] = 0

    def keep(tensor):
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model.model(input_ids=tokens, attention_mask=mask, use_cache=False)
    stores = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage() for tensor in kept}
    return sum(store.nbytes() for where, store in stores.items() if where not in weights)


@pytest.mark.parametrize(("kind", "slack"), [("lora", 0.05), ("everything", 0.05), ("dora", 0.15)])
def test_what_a_layer_keeps_is_what_autograd_keeps(kind, slack):
    real = kept_by_autograd(llama(3, kind)) - kept_by_autograd(llama(2, kind))
    shape = shape_of({"num_hidden_layers": 1, **SMALL}, "causal-lm")
    said = layer_bytes(shape, KINDS[kind]) * ROWS * COLUMNS
    assert said == pytest.approx(real, rel=slack)


def test_layers_that_are_computed_again_keep_their_input_and_one_layer():
    tokens, training = 4096, LayerTraining(2, 16)
    one = layer_bytes(EIGHT, training) * tokens
    assert kept_bytes(EIGHT, training, tokens, recomputed=False) == 32 * one
    inputs = 32 * tokens * 4096 * 2
    assert kept_bytes(EIGHT, training, tokens, recomputed=True) == inputs + one


def test_dora_also_keeps_the_frozen_matrices_unpacked():
    plain, scaled = LayerTraining(2, 16, fused=False), LayerTraining(2, 16, dora=True)
    more = kept_bytes(EIGHT, scaled, 1, recomputed=False) - kept_bytes(
        EIGHT, plain, 1, recomputed=False
    )
    assert more > 2 * EIGHT.linear_parameters


def test_layers_are_computed_again_exactly_where_they_would_not_fit():
    training = LayerTraining(2, 16)
    needed = kept_bytes(EIGHT, training, 4096, recomputed=False)
    assert not must_recompute(EIGHT, training, 4096, needed)
    assert must_recompute(EIGHT, training, 4096, needed - 1)

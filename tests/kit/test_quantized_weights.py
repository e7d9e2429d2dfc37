"""The share of the weights that is quantised is counted in numbers, not in modules."""

from __future__ import annotations

import bitsandbytes as bnb
import pytest
import torch
from bitsandbytes.nn.parametrize import replace_parameter_4bit
from torch import nn

from benchbench import GuardError
from benchbench.kit.guards import check_quantized
from benchbench.kit.quantized_weights import quantized_modules, quantized_share, weights


class Experts(nn.Module):
    """All experts of a layer in one parameter, with a table of biases."""

    def __init__(self):
        super().__init__()
        self.up_proj = nn.Parameter(torch.randn(4, 64, 64))
        self.up_proj_bias = nn.Parameter(torch.randn(4, 64))


class Model(nn.Module):
    """An embedding, a layer, a norm and a head that is tied to the embedding."""

    def __init__(self, layer):
        super().__init__()
        self.embed = nn.Embedding(128, 64)
        self.layer = layer
        self.norm = nn.LayerNorm(64)
        self.head = nn.Linear(64, 128, bias=False)
        self.head.weight = self.embed.weight

    def get_output_embeddings(self):
        return self.head


def four_bit(kind="nf4"):
    return bnb.nn.Linear4bit(64, 64, quant_type=kind).to("cpu")


def packed_experts():
    experts = Experts()
    replace_parameter_4bit(experts, "up_proj", compress_statistics=True, quant_type="nf4")
    return experts


@pytest.mark.parametrize(
    ("layer", "share"),
    [
        (nn.Linear(64, 64), 0.0),
        (four_bit(), 1.0),
        (nn.Sequential(four_bit(), nn.Linear(64, 64)), 0.5),
        (nn.Sequential(four_bit(), Experts()), 0.2),
        (nn.Sequential(four_bit(), packed_experts()), 1.0),
    ],
    ids=["whole", "quantised", "half", "whole-experts", "packed-experts"],
)
def test_the_share_leaves_out_embedding_head_norms_and_biases(layer, share):
    assert quantized_share(Model(layer)) == pytest.approx(share)


def test_a_weight_has_its_unpacked_size_and_a_tied_one_counts_once():
    model = Model(nn.Sequential(four_bit(), packed_experts()))
    sizes = [weight.size for weight in weights(model)]
    assert sum(sizes) == 128 * 64 + 64 * 64 + 64 + 4 * 64 * 64 + 4 * 64 + 64 + 64
    assert quantized_modules(model) == {"nf4": 2, "int8": 0, "fp4": 0}


def test_a_model_that_is_mostly_whole_does_not_pass_as_quantised():
    check_quantized(Model(nn.Sequential(four_bit(), nn.Linear(64, 64))), "nf4")
    with pytest.raises(GuardError, match=r"only 20 % .* '1\.up_proj' is not; .* to none"):
        check_quantized(nn.Sequential(four_bit(), Experts()), "nf4")


def test_fp4_is_not_nf4():
    with pytest.raises(GuardError, match="asked for nf4, but no module"):
        check_quantized(Model(four_bit("fp4")), "nf4")
    with pytest.raises(GuardError, match="asked for 'nf4', but 1 modules are quantised as fp4"):
        check_quantized(nn.Sequential(four_bit(), four_bit("fp4")), "nf4")

"""Packed weights unpack to the numbers that their blocks say, whatever the width of a row."""

from __future__ import annotations

import bitsandbytes as bnb
import pytest
import torch
from bitsandbytes.functional import dequantize_blockwise, quantize_4bit
from bitsandbytes.nn.parametrize import Bnb4bitParametrization

from benchbench.kit import dense_weights
from benchbench.kit.dense_weights import dense_weight, unpack_exactly, unpack_scales

WIDTHS = [64, 96, 416, 576, 33 * 2]


def packed(width, rows=24):
    torch.manual_seed(width)
    layer = bnb.nn.Linear4bit(width, rows, bias=True, compute_dtype=torch.float32, quant_type="nf4")
    weight = torch.randn(rows, width)
    layer.weight = bnb.nn.Params4bit(weight, requires_grad=False, quant_type="nf4")
    return layer.to("cpu")


def by_the_book(codes, state):
    """Unpack block by block: the code of each half byte times the scale of its block."""
    halves = torch.stack([codes.view(-1) >> 4, codes.view(-1) & 15], 1).view(-1).long()
    scales = state.absmax
    if state.nested:
        scales = dequantize_blockwise(state.absmax, state.state2) + state.offset
    numbers = state.code[halves][: state.shape.numel()]
    blocks = torch.arange(numbers.numel()) // state.blocksize
    return (numbers * scales[blocks]).view(state.shape)


@pytest.fixture(autouse=True)
def corrected():
    unpack_exactly()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_weight_has_the_numbers_that_its_blocks_say(width):
    layer = packed(width)
    expected = by_the_book(layer.weight.data, layer.weight.quant_state)
    assert torch.equal(dense_weight(layer, torch.float32), expected)
    assert dense_weight(layer, torch.bfloat16).dtype == torch.bfloat16


def test_with_whole_scales_the_weights_are_the_same_to_the_last_bit():
    layer = packed(64)
    before = dense_weight(layer, torch.float32)
    assert unpack_scales(layer) == 0  # on a CPU they stay packed
    assert [unpack_scales(layer, devices=("cpu",)) for _ in range(2)] == [1, 0]
    assert layer.weight.quant_state.absmax.dtype == torch.float32
    assert torch.equal(dense_weight(layer, torch.float32), before)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_layer_computes_with_these_numbers(width):
    layer = packed(width)
    x = torch.randn(5, width, requires_grad=True)
    expected = by_the_book(layer.weight.data, layer.weight.quant_state)
    result = layer(x)
    assert torch.allclose(result, x @ expected.t() + layer.bias, atol=1e-4)
    (gradient,) = torch.autograd.grad(result.sum(), x)
    assert torch.allclose(gradient, expected.sum(0).expand(5, -1), atol=1e-4)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_table_of_experts_unpacks_to_these_numbers(width):
    codes, state = quantize_4bit(torch.randn(3, 8, width), quant_type="nf4")
    assert torch.equal(Bnb4bitParametrization(state)(codes), by_the_book(codes, state))


def test_the_check_sees_a_kernel_that_errs(monkeypatch):
    assert dense_weights._is_exact()
    right = torch.ops.bitsandbytes.dequantize_4bit

    def wrong(packed, scales, block, kind, shape, dtype):
        unpacked = right(packed, scales, block, kind, shape, dtype)
        unpacked[1:] += 1
        return unpacked

    monkeypatch.setattr(torch.ops.bitsandbytes, "dequantize_4bit", wrong)
    assert not dense_weights._is_exact()


def test_a_whole_weight_is_not_copied():
    layer = torch.nn.Linear(4, 3)
    assert dense_weight(layer, torch.float32).data_ptr() == layer.weight.data_ptr()

"""A 16-bit model computes in float32 for a moment, and is put back."""

from __future__ import annotations

import copy

import pytest
import torch

from benchbench.kit import float32_model
from benchbench.kit.float32_model import in_float32
from tests.support.models import load_model, write_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("models") / "llama", ["some text"])


def test_a_16_bit_model_computes_in_float32_for_a_moment(folder):
    model = load_model(folder, quantization="none", dtype="bfloat16").model
    wide = copy.deepcopy(model).float()
    ids = torch.tensor([[0, 40, 41]])
    with torch.no_grad():
        narrow = model(ids).logits
        with torch.autocast("cpu", torch.bfloat16), in_float32(model) as converted:
            assert converted
            assert torch.allclose(model(ids).logits, wide(ids).logits, atol=1e-5)
        assert torch.equal(model(ids).logits, narrow)


def test_4_bit_weights_stay_packed_and_are_unpacked_to_float32(folder):
    model = load_model(folder, quantization="nf4", dtype="bfloat16").model
    ids = torch.tensor([[0, 40, 41]])
    with torch.no_grad():
        narrow = model(ids).logits
        with in_float32(model):
            wide = model(ids).logits
            assert model.model.layers[0].mlp.up_proj.weight.dtype == torch.uint8
        assert wide.dtype == torch.float32
        assert 0 < (wide - narrow).abs().max() < 0.1
        assert torch.equal(model(ids).logits, narrow)


def test_a_model_that_is_too_large_or_in_8_bits_stays_as_it_is(folder, monkeypatch):
    with in_float32(load_model(folder, quantization="int8", dtype="bfloat16").model) as converted:
        assert not converted
    model = load_model(folder, quantization="none", dtype="bfloat16").model
    monkeypatch.setattr(float32_model, "MOST_CONVERTED", 10)
    with in_float32(model) as converted:
        assert not converted
        assert model.get_input_embeddings().weight.dtype == torch.bfloat16

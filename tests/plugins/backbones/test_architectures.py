"""Fifteen architectures and more load, are quantised, and are pooled exactly."""

from __future__ import annotations

import pytest
import torch
from benchbench_backbones.loading import EXPERTS
from benchbench_finetune.embedder import DocumentEmbedder
from bitsandbytes.functional import dequantize_4bit, quantize_4bit

from benchbench import GuardError
from benchbench.kit.training.lora import (
    LORA_PARAMETERS,
    adapter_outputs,
    adapter_tensors,
    attach,
    load_adapter,
    save_adapter,
)
from tests.support.models import ARCHITECTURES, WORDS, load_model, write_model

TEXTS = ("pump valve water pressure the of a " * 6, "light lens", "engine gear wheel brake protein")
EAGER = {"gemma2", "bloom", "mpt", "gpt_oss"}
MIXTURES = ("mixtral", "gpt_oss")
NOT_QUANTISED = "falcon"
LORA = {parameter.name: parameter.default for parameter in LORA_PARAMETERS}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("architectures")
    return {name: write_model(root / name, [WORDS], family=name) for name in ARCHITECTURES}


def pooled(loaded, how, side):
    """Return the vectors of `TEXTS` in one batch, and one by one."""
    embedder = DocumentEmbedder(loaded, how, 64, side)
    documents, _ = embedder.tokenize(TEXTS)
    with torch.no_grad():
        alone = torch.cat([embedder.embed([document]) for document in documents])
        return embedder.embed(documents), alone


def test_at_least_fifteen_architectures_can_be_quantised():
    assert len(ARCHITECTURES) - 1 >= 15 and NOT_QUANTISED in ARCHITECTURES


@pytest.mark.parametrize("quantization", ["none", "nf4"])
@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name != NOT_QUANTISED])
def test_an_architecture_is_loaded_as_asked_and_pooled_exactly(folders, name, quantization):
    loaded = load_model(folders[name], quantization)
    for how, side in (("last", "left"), ("last", "right"), ("mean", "left")):
        together, alone = pooled(loaded, how, side)
        assert (together - alone).abs().max() <= 1e-5 * alone.abs().max()
    facts = loaded.facts
    assert facts["attention"] == ("eager" if name in EAGER else "sdpa")
    assert (facts["quantized_share"] > 0.98) == (quantization == "nf4")
    assert facts["without_adapter"] == (EXPERTS if name in MIXTURES else None)
    assert (facts["hidden_size"], facts["context"]) == (32, 256)


def test_layers_that_transformers_does_not_quantise_are_refused_with_the_remedy(folders):
    assert load_model(folders[NOT_QUANTISED]).facts["quantized_share"] == 0
    for quantization in ("nf4", "int8"):
        with pytest.raises(GuardError, match="set the backbone's quantization to none"):
            load_model(folders[NOT_QUANTISED], quantization)


@pytest.mark.parametrize("name", MIXTURES)
def test_the_experts_of_a_mixture_are_nf4_as_linear_layers_are(folders, name):
    whole, packed = load_model(folders[name]), load_model(folders[name], "nf4")
    experts = whole.model.get_submodule("model.layers.1.mlp.experts")
    for parameter in ("gate_up_proj", "down_proj"):
        original = getattr(experts, parameter)
        nf4 = quantize_4bit(original.data, compress_statistics=True, quant_type="nf4")
        unpacked = getattr(packed.model.get_submodule("model.layers.1.mlp.experts"), parameter)
        assert torch.equal(unpacked, dequantize_4bit(*nf4))
        assert not torch.equal(unpacked, original)
    assert packed.facts["total_parameters"] == whole.facts["total_parameters"]
    assert packed.facts["whole_parameters"] < 0.3 * whole.facts["whole_parameters"]


@pytest.mark.parametrize("name", MIXTURES)
def test_a_mixture_in_int8_would_be_mostly_whole_and_is_refused(folders, name):
    with pytest.raises(GuardError, match=r"only 8 % .*experts.* to nf4 or none"):
        load_model(folders[name], "int8")


@pytest.mark.parametrize("name", MIXTURES)
def test_an_adapter_on_a_mixture_learns_and_comes_back(folders, name, tmp_path):
    model, fresh = (load_model(folders[name], "nf4").model for _ in range(2))
    attach(model, LORA | {"dropout": 0.0}, seed=0)
    ids = torch.arange(3, 60).reshape(3, 19)
    model.train()(ids).logits[..., 0].sum().backward()
    assert all(bool(tensor.grad.any()) for tensor in adapter_outputs(model))
    assert all(".self_attn." in tensor for tensor in adapter_tensors(model))
    with torch.no_grad():
        for tensor in adapter_outputs(model):
            tensor -= 0.01 * tensor.grad.sign()
        save_adapter(model, tmp_path)
        load_adapter(fresh, tmp_path)
        assert torch.equal(model.eval()(ids).logits, fresh.eval()(ids).logits)

"""A model whose numbers exceed float16 is refused before anything is trained, with the remedy."""

from __future__ import annotations

import pytest

from benchbench import Diverged, Skip
from benchbench.kit.guards import check_finite, check_float16
from tests.support.models import load_model, write_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("models") / "llama", ["some text"])


def test_a_model_that_overflows_float16_is_skipped_with_the_remedy(folder):
    loaded = load_model(folder, quantization="none", dtype="float16")
    check_float16(loaded)
    for layer in loaded.model.model.layers:
        layer.mlp.down_proj.weight.data *= 1e4  # each weight stays within float16
    assert loaded.model.model.layers[0].mlp.down_proj.weight.isfinite().all()
    loaded.model.model.layers[0].input_layernorm.weight.data *= 1e4
    loaded.model.model.layers[0].post_attention_layernorm.weight.data *= 1e4
    with pytest.raises(Skip, match=r"exceed 65,504.*set dtype to bfloat16.*float32"):
        check_float16(loaded)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_other_dtypes_are_not_probed(folder, dtype):
    loaded = load_model(folder, quantization="none", dtype=dtype)
    loaded.model.model.embed_tokens.weight.data *= float("inf")
    check_float16(loaded)


def test_advice_is_given_only_where_it_fits():
    import torch

    with pytest.raises(Diverged, match=r"^the logits: not a finite number$"):
        check_finite("the logits", [torch.tensor([float("nan")])])
    with pytest.raises(Diverged, match=r"not a finite number; a lower rate$"):
        check_finite("the loss", [torch.tensor([float("inf")])], "a lower rate")

"""A checkpoint that is quantised on disk is what was asked for, or is refused in one line."""

from __future__ import annotations

import json
import shutil

import bitsandbytes as bnb
import pytest
import torch
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

from benchbench import GuardError, Skip
from tests.support.models import WORDS, load_model, write_model

FOUR_BIT = {"load_in_4bit": True, "bnb_4bit_compute_dtype": torch.bfloat16}
STORED = {
    "nf4": {**FOUR_BIT, "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": True},
    "nf4-flat": {**FOUR_BIT, "bnb_4bit_quant_type": "nf4"},
    "fp4": {**FOUR_BIT, "bnb_4bit_quant_type": "fp4"},
    "int8": {"load_in_8bit": True},
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("stored") / "whole", [WORDS], hidden=64)


@pytest.fixture(scope="module")
def folders(whole):
    """The same model, stored in every kind of bitsandbytes, from bfloat16."""
    for name, options in STORED.items():
        model = AutoModelForCausalLM.from_pretrained(
            whole, dtype=torch.bfloat16, quantization_config=BitsAndBytesConfig(**options)
        )
        folder = whole.parent / name
        model.save_pretrained(folder)
        for path in whole.glob("tokenizer*"):
            shutil.copy(path, folder)
    return whole.parent


@pytest.mark.parametrize(
    ("stored", "asked", "fact"),
    [
        ("nf4", "nf4", "bitsandbytes nf4"),
        ("nf4-flat", "nf4", "bitsandbytes nf4 without double quantisation"),
        ("int8", "int8", "bitsandbytes int8"),
    ],
)
def test_the_kind_that_was_asked_for_computes_in_the_dtype_that_was_asked_for(
    folders, stored, asked, fact
):
    loaded = load_model(folders / stored, asked)
    assert (loaded.facts["stored_as"], loaded.facts["quantized_share"]) == (fact, 1.0)
    floats = {p.dtype for p in loaded.model.parameters() if p.is_floating_point()}
    assert floats == {torch.float32} == {loaded.model(torch.arange(9)[None]).logits.dtype}
    for module in loaded.model.modules():
        if isinstance(module, bnb.nn.Linear4bit):
            assert module.compute_dtype == module.weight.quant_state.dtype == torch.float32
            assert module.weight.quant_state.nested == (stored == "nf4")


@pytest.mark.parametrize(
    ("stored", "asked", "line"),
    [
        ("fp4", "nf4", "asked for 'nf4', but its weights are stored in fp4; name the checkpoint"),
        ("int8", "nf4", "stored in int8; set the backbone's quantization to int8, or"),
        ("nf4", "none", "asked for 'none'.* stored in nf4; set the backbone's quantization to nf4"),
        ("nf4", "int8", "asked for 'int8', but its weights are stored in nf4"),
    ],
)
def test_another_kind_is_refused_with_the_remedy(folders, stored, asked, line):
    with pytest.raises(GuardError, match=line) as caught:
        load_model(folders / stored, asked)
    assert "\n" not in str(caught.value) and str(folders / stored) in str(caught.value)


def test_a_configuration_that_says_nf4_over_fp4_weights_is_found_out(folders, tmp_path):
    folder = shutil.copytree(folders / "fp4", tmp_path / "forged")
    text = (folder / "config.json").read_text().replace('"fp4"', '"nf4"')
    (folder / "config.json").write_text(text)
    with pytest.raises((GuardError, Skip)) as caught:
        load_model(folder, "nf4")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("method", "shown"),
    [("gptq", "GPTQ"), ("awq", "AWQ"), ("fp8", "FP8"), ("mxfp4", "MXFP4"), ("a-new", "a-new")],
)
@pytest.mark.parametrize("asked", ["nf4", "none"])
def test_kinds_of_other_libraries_are_named(whole, tmp_path, method, shown, asked):
    folder = shutil.copytree(whole, tmp_path / method)
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {"quant_method": method}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(Skip, match=f"stored in {shown}, .* the checkpoint that is not quantised"):
        load_model(folder, asked)

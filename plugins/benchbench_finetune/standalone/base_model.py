"""The model below a scorer: from this folder, or a base model with the adapter in this folder."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import nn


def read_settings(folder: Path) -> dict[str, Any]:
    """Return what `scorer.json` says."""
    settings: dict[str, Any] = json.loads((folder / "scorer.json").read_text(encoding="utf-8"))
    return settings


def load_model(folder: Path, base: str | None, settings: dict[str, Any]) -> tuple[Any, torch.dtype]:
    """Return (the model in eval mode, the dtype that it computes in).

    It computes in float32 on a CPU, else in bfloat16, or float16 on a GPU that lacks it.
    """
    import transformers

    cuda = torch.cuda.is_available()
    dtype = torch.float32
    if cuda and not settings["float32"]:
        dtype = torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    place: dict[str, Any] = {"dtype": dtype, "device_map": {"": "cuda:0" if cuda else "cpu"}}
    auto = getattr(transformers, settings["auto_class"])
    if not settings["base"]:
        return auto.from_pretrained(folder, **place).eval(), dtype
    name = base or settings["base"]["id"]
    if not name:
        raise SystemExit("the base model has no place on the hub: name its folder with --base")
    revision = settings["base"]["revision"] if base is None else None
    packed = _packed(settings["base"]["quantization"], dtype)
    model = auto.from_pretrained(name, revision=revision or None, **packed, **place)
    if not cuda:
        _unpack(model)
    if settings["adapter"]:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, folder).get_base_model()
    return model.eval(), dtype


def token_ids(tokenizer: Any, texts: Sequence[str], settings: dict[str, Any]) -> list[list[int]]:
    """Return the first tokens of each text; no text can spell a control token."""
    rows: list[list[int]] = []
    encoded = _encoded(tokenizer, texts)
    for text, ids in zip(texts, encoded, strict=True):
        if set(settings["control"].values()) & set(ids):
            ids = _spelled_out(tokenizer, text, settings["control"])
        rows.append(ids[: settings["document_tokens"]])
    return rows


def _encoded(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    if not texts:
        return []
    ids: list[list[int]] = tokenizer(
        list(texts), add_special_tokens=False, split_special_tokens=True
    )["input_ids"]
    return ids


def _spelled_out(tokenizer: Any, text: str, control: dict[str, int]) -> list[int]:
    """Return the tokens of a text that is cut inside each control token that it spells."""
    names = "|".join(re.escape(name) for name in sorted(control, key=len, reverse=True))
    cuts = [found.start() + 1 for found in re.finditer(names, text)]
    pieces = [text[start:end] for start, end in pairwise([0, *cuts, len(text)])]
    return [token for ids in _encoded(tokenizer, pieces) for token in ids]


def _packed(quantization: str, dtype: torch.dtype) -> dict[str, Any]:
    """Return the arguments that hold the base model in as many bits as in training."""
    from transformers import BitsAndBytesConfig

    if quantization == "nf4":
        packed = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        )
        return {"quantization_config": packed}
    if quantization == "int8":
        return {"quantization_config": BitsAndBytesConfig(load_in_8bit=True)}
    return {}


def _unpack(model: nn.Module) -> None:
    """Turn 4-bit layers into whole ones with the same weights, which a CPU multiplies faster.

    A matrix is unpacked as one row: some kernels for CPUs take each row to begin with a block.
    """
    for name, layer in list(model.named_modules()):
        state = getattr(getattr(layer, "weight", None), "quant_state", None)
        if state is None:
            continue
        from bitsandbytes.functional import dequantize_4bit

        shape, state.shape = state.shape, torch.Size([1, state.shape.numel()])
        weight = dequantize_4bit(layer.weight.data.view(-1, 1), state).view(shape).float()
        whole = nn.Linear(shape[1], shape[0], bias=layer.bias is not None)
        whole.weight = nn.Parameter(weight, requires_grad=False)
        whole.bias = layer.bias
        parent, _, last = name.rpartition(".")
        setattr(model.get_submodule(parent), last, whole)

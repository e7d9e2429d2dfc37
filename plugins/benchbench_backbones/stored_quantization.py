"""Checkpoints that are quantised on disk: what their configuration says, against what is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchbench import GuardError, Skip
from benchbench_backbones.quantization import QUANTIZATIONS


def check_stored(name: str, config: Mapping[str, Any], asked: str) -> str | None:
    """Return how the weights of `name` are stored, e.g. "bitsandbytes nf4"; None where whole.

    `config` is the content of its config.json. Raises GuardError where they are stored in another
    kind than the one that is asked for, Skip where nothing here can train on that kind.
    """
    stored = config.get("quantization_config") or _text_config(config).get("quantization_config")
    if not stored:
        return None
    kind = _bitsandbytes_kind(stored)
    if kind is None:
        method = str(stored.get("quant_method", "an unknown kind"))
        shown = method if "-" in method or " " in method else method.upper()
        raise Skip(
            f"{name}: its weights are stored in {shown}, which cannot be trained on here; name the "
            "checkpoint that is not quantised"
        )
    if kind != asked:
        own = f"set the backbone's quantization to {kind}, or " if kind in QUANTIZATIONS else ""
        raise GuardError(
            f"{name}: asked for '{asked}', but its weights are stored in {kind}; {own}name the "
            "checkpoint that is not quantised"
        )
    nested = kind != "nf4" or stored.get("bnb_4bit_use_double_quant")
    return f"bitsandbytes {kind}" + ("" if nested else " without double quantisation")


def recast(model: Any, dtype: str) -> None:
    """Let a model that was stored quantised compute in `dtype`, not in the dtype it was stored in.

    Transformers leaves its whole weights as they are, and its 4-bit layers bring a dtype along.
    """
    import bitsandbytes as bnb
    import torch

    wanted = getattr(torch, dtype)
    for parameter in model.parameters():
        if parameter.is_floating_point():
            parameter.data = parameter.data.to(wanted)
    for module in model.modules():
        if isinstance(module, bnb.nn.Linear4bit):
            module.compute_dtype = wanted
            module.weight.quant_state.dtype = wanted


def _text_config(config: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = config.get("text_config")
    return inner if isinstance(inner, Mapping) else {}


def _bitsandbytes_kind(stored: Mapping[str, Any]) -> str | None:
    """Return "int8", "nf4" or "fp4"; None where another library quantised the weights."""
    if stored.get("load_in_8bit"):
        return "int8"
    if stored.get("load_in_4bit"):
        return str(stored.get("bnb_4bit_quant_type", "fp4"))  # the default of bitsandbytes
    return None

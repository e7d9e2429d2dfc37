"""The ways to quantise a model, one function each; a new one is added here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def _nf4(dtype: str) -> dict[str, Any]:
    """Return the arguments for 4-bit NormalFloat with double quantisation, as in QLoRA."""
    import torch
    from transformers import BitsAndBytesConfig

    four_bit = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=getattr(torch, dtype),
    )
    return {"quantization_config": four_bit}


def _int8(dtype: str) -> dict[str, Any]:
    """Return the arguments for 8-bit integers."""
    from transformers import BitsAndBytesConfig

    return {"quantization_config": BitsAndBytesConfig(load_in_8bit=True)}


def _whole(dtype: str) -> dict[str, Any]:
    """Return no argument: a configuration of None would hide the checkpoint's own one."""
    return {}


QUANTIZATIONS: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "nf4": _nf4,
    "int8": _int8,
    "none": _whole,
}
"""Name -> function from the compute dtype to the arguments of `from_pretrained`."""

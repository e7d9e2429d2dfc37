"""A 16-bit model that computes in float32 for a moment, so that rounding hides no fault."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from benchbench.machine import is_out_of_memory

if TYPE_CHECKING:
    from torch import Tensor

MOST_CONVERTED = 2**30
"""The most numbers that are converted (4 GiB in float32)."""


@contextmanager
def in_float32(model: Any) -> Iterator[bool]:
    """Let the model compute in float32; give whether it does.

    4-bit weights stay as they are and are unpacked to float32; all others are converted, and put
    back at the end. A model with more than `MOST_CONVERTED` such numbers, one with 8-bit
    matrices, whose kernels round to 16 bits, and one for which memory is short stay as they are.
    """
    import torch

    narrow = [tensor for tensor in _tensors(model) if _is_narrow(tensor)]
    wide = _convert(narrow) if _is_convertible(model, narrow) else None
    if wide is None:
        yield False
        return
    originals = [tensor.data for tensor in narrow]
    four_bit = {module: module.compute_dtype for module in _four_bit(model)}
    device = model.get_input_embeddings().weight.device.type
    try:
        _put(narrow, wide)
        for module in four_bit:
            module.compute_dtype = torch.float32
        with torch.autocast(device, enabled=False):
            yield True
    finally:
        _put(narrow, originals)
        for module, dtype in four_bit.items():
            module.compute_dtype = dtype


def _tensors(model: Any) -> list[Tensor]:
    return [*model.parameters(), *model.buffers()]


def _is_narrow(tensor: Tensor) -> bool:
    return tensor.is_floating_point() and tensor.dtype.itemsize == 2


def _is_convertible(model: Any, narrow: list[Tensor]) -> bool:
    import bitsandbytes as bnb

    if any(isinstance(module, bnb.nn.Linear8bitLt) for module in model.modules()):
        return False
    return sum(tensor.numel() for tensor in narrow) <= MOST_CONVERTED


def _convert(tensors: list[Tensor]) -> list[Tensor] | None:
    """Return float32 copies, None where memory is short."""
    try:
        return [tensor.data.float() for tensor in tensors]
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return None


def _put(tensors: list[Tensor], values: list[Tensor]) -> None:
    for tensor, value in zip(tensors, values, strict=True):
        tensor.data = value


def _four_bit(model: Any) -> list[Any]:
    import bitsandbytes as bnb

    return [module for module in model.modules() if isinstance(module, bnb.nn.Linear4bit)]

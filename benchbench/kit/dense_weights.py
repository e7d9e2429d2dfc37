"""The weight of a linear layer as a plain matrix, unpacked where it is packed in 4 bits."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def dense_weight(layer: Any, dtype: torch.dtype) -> Tensor:
    """Return the weight [out, in] of a linear layer in `dtype`; a new matrix where it is packed."""
    state = getattr(layer.weight, "quant_state", None)
    if state is None:
        whole: Tensor = layer.weight.to(dtype)
        return whole
    from bitsandbytes.functional import dequantize_4bit

    unpacked: Tensor = dequantize_4bit(layer.weight.data.view(-1, 1), state)
    return unpacked.to(dtype)


def unpack_scales(model: Any, devices: Sequence[str] = ("cuda",)) -> int:
    """Keep the scales of 4-bit weights whole on such devices; return of how many matrices.

    bitsandbytes packs them, too. To unpack them before every product takes a GPU as many
    operations as the weights. Whole, they take 0.05 bytes more per weight, and the weights are the
    same to the last bit.
    """
    from bitsandbytes.functional import dequantize_blockwise

    states = [getattr(weight, "quant_state", None) for weight in model.parameters()]
    packed = [state for state in states if state is not None and state.nested]
    packed = [state for state in packed if state.absmax.device.type in devices]
    for state in packed:
        state.absmax = dequantize_blockwise(state.absmax, state.state2) + state.offset
        state.nested, state.state2, state.offset = False, None, None
    return len(packed)


@functools.cache
def unpack_exactly() -> bool:
    """Correct how bitsandbytes unpacks 4-bit weights on a CPU, where it errs; say whether it did.

    It packs numbers in blocks of 64. Its kernel for CPUs with AVX-512 takes every row of a matrix
    to begin with a block, and gives other numbers where one does not. From now on such a matrix is
    unpacked as one long row. All others, and other machines, keep their kernel as it is.
    """
    import torch

    if _is_exact():
        return False
    usual = torch.library.get_kernel("bitsandbytes::dequantize_4bit", "CPU")

    def unpack(
        keys: Any, packed: Tensor, scales: Tensor, block: int, kind: str,
        shape: Sequence[int], dtype: torch.dtype,
    ) -> Tensor:  # fmt: skip
        rows = (1, math.prod(shape)) if shape[-1] % block else shape
        unpacked: Tensor = usual.call_boxed(keys, packed, scales, block, kind, rows, dtype)
        return unpacked.view(*shape)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a kernel is replaced
        _library().impl("dequantize_4bit", unpack, "CPU", with_keyset=True, allow_override=True)
    return True


@functools.cache
def _library() -> Any:
    """Return what holds the corrected kernel; it is in force as long as this lives."""
    import torch

    library: Any = torch.library.Library
    return library("bitsandbytes", "FRAGMENT")


def _is_exact() -> bool:
    """Say whether rows that begin inside a block are unpacked rightly: once as rows, once as one.

    Every half byte is 1, so that each number is a scale, and the scales differ.
    """
    import bitsandbytes  # noqa: F401 - it brings the operator
    import torch

    rows, width, block = 4, 96, 64
    packed = torch.full((rows * width // 2, 1), 0x11, dtype=torch.uint8)
    scales = torch.arange(1.0, rows * math.ceil(width / block) + 1)  # as many as any kernel reads
    unpack = torch.ops.bitsandbytes.dequantize_4bit
    as_rows, as_one = (
        unpack(packed, scales, block, "nf4", list(shape), torch.float32)
        for shape in ((rows, width), (1, rows * width))
    )
    return torch.equal(as_rows.view(-1), as_one.view(-1))

"""PyTorch's own attention kernels, called so that they give and take the logarithms of their sums.

A query's logarithm is that of the sum of exp(score) over what it sees. With it, attention to two
parts can be put together (`shared_attention`). CPUs have one kernel. GPUs have flash attention
for half precision without a mask, and the memory-efficient kernel for all else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

ALIGNED = 16
"""A mask on a GPU starts each row at a multiple of so many numbers."""
ROWS_ALIGNED = 32
"""The kernel for masks on a GPU writes logarithms for a multiple of so many queries."""


def attend(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, causal: bool, scale: float
) -> tuple[Tensor, Tensor]:
    """Return the attended values of one part, and float32 logarithms [rows, heads, queries]."""
    import torch

    kernels = torch.ops.aten
    if query.device.type == "cpu":
        attended, log = kernels._scaled_dot_product_flash_attention_for_cpu(
            query, key, value, 0.0, causal, attn_mask=mask, scale=scale
        )
        return attended, log
    if _takes_flash(query, mask):
        attended, log = kernels._scaled_dot_product_flash_attention(
            query, key, value, 0.0, causal, False, scale=scale
        )[:2]
    else:
        attended, log = kernels._scaled_dot_product_efficient_attention(
            query, key, value, _aligned(mask, query), True, 0.0, causal, scale=scale
        )[:2]
    return attended, log[..., : query.shape[2]]


def _takes_flash(query: Tensor, mask: Tensor | None) -> bool:
    """Say whether a GPU's flash kernel computes this; the other one takes all else."""
    return mask is None and query.dtype.itemsize == 2 and query.shape[-1] % 8 == 0


def gradients_of(
    gradient: Tensor, query: Tensor, key: Tensor, value: Tensor, attended: Tensor, log: Tensor,
    mask: Tensor | None, causal: bool, scale: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Return the gradients of queries, keys and values of one part.

    `attended` and `log` are those of all parts together.
    """
    import torch

    kernels = torch.ops.aten
    if query.device.type == "cpu":
        parts = kernels._scaled_dot_product_flash_attention_for_cpu_backward(
            gradient, query, key, value, attended, log, 0.0, causal, attn_mask=mask, scale=scale
        )
        return parts[0], parts[1], parts[2]
    if _takes_flash(query, mask):
        return _flash_gradients(gradient, query, key, value, attended, log, causal, scale)
    nothing = torch.zeros((), dtype=torch.long, device=query.device)  # no dropout, no random state
    padding = -log.shape[-1] % ROWS_ALIGNED
    # In half precision this kernel takes the attended values to lie head by head for each query.
    attended = attended.transpose(1, 2).contiguous().transpose(1, 2)
    parts = kernels._scaled_dot_product_efficient_attention_backward(
        gradient, query, key, value, _aligned(mask, query), attended,
        torch.nn.functional.pad(log, (0, padding)).contiguous(), nothing, nothing,
        0.0, [True, True, True, False], causal, scale=scale,
    )  # fmt: skip
    return parts[0], parts[1], parts[2]


def _flash_gradients(
    gradient: Tensor, query: Tensor, key: Tensor, value: Tensor, attended: Tensor, log: Tensor,
    causal: bool, scale: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Return the gradients by the flash kernel of a GPU."""
    import torch

    nothing = torch.zeros(2, dtype=torch.uint64, device=query.device)
    parts = torch.ops.aten._scaled_dot_product_flash_attention_backward(
        gradient, query, key, value, attended, log.contiguous(), None, None,
        query.shape[2], key.shape[2], 0.0, causal, nothing, nothing, scale=scale,
    )  # fmt: skip
    return parts[0], parts[1], parts[2]


def _aligned(mask: Tensor | None, query: Tensor) -> Tensor | None:
    """Return a mask for every head, whose rows begin where the kernel of a GPU needs it."""
    import torch

    if mask is None:
        return None
    columns = mask.shape[-1]
    padded = torch.nn.functional.pad(mask, (0, -columns % ALIGNED))[..., :columns]
    return padded.expand(query.shape[0], query.shape[1], -1, -1)

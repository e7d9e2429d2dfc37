"""Attention of many rows to one shared beginning, which is kept once and never repeated per row.

    beginning     B0 B1 B2 B3           one row of keys and values, for all rows
    row 1         q q q                 each query sees the whole beginning
    row 2         q q                   and, of its own row, what `mask` or causality lets it see

The two parts are computed apart, each by PyTorch's own kernel. With scores s, the logarithm of the
sum of exp(s) in each part, and their logarithm together,

    l = log(exp(l_beginning) + exp(l_row))
    attended = exp(l_beginning - l) * attended_beginning + exp(l_row - l) * attended_row

which is the softmax over both (as in Milakov and Gimelshein, 2018). A weight is exp(s - l) in
either part, so each part's own backward kernel gives its exact gradients once it is handed `l` and
the attended values of both. No weights are stored for the backward pass.

The rows' queries stand in one long row for the beginning: the gradients of its keys and values are
summed over all rows by one product.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

KeysAndValues = Sequence[tuple["Tensor", "Tensor"]]
"""Keys and values per layer, [batch, heads, columns, head width] each."""
NAME = "sdpa_behind_a_beginning"
"""The name of this attention in the model's configuration."""
BEGINNING = "benchbench_beginning"
"""The keyword that carries the beginning from the model's forward to a layer's attention."""
DROPPING = ("attention_dropout", "attn_pdrop")
"""The settings of a model that drops attention weights in training."""
ALIGNED = 16
"""A mask on a GPU starts each row at a multiple of so many numbers."""
ROWS_ALIGNED = 32
"""The kernel for masks on a GPU writes logarithms for a multiple of so many queries."""


def use_shared_attention(model: Any) -> bool:
    """Let a model that uses PyTorch's attention take a beginning; say whether it does.

    Without a beginning the model computes what it did before. One that drops attention weights in
    training takes none.
    """
    if model.config._attn_implementation == NAME:
        return True
    config = model.config.get_text_config()
    drops = any(getattr(config, name, 0) for name in DROPPING)
    if model.config._attn_implementation != "sdpa" or drops:
        return False
    _register()
    model.config._attn_implementation = NAME
    return True


def use_usual_attention(model: Any) -> None:
    """Let a model compute attention as transformers has it."""
    if model.config._attn_implementation == NAME:
        model.config._attn_implementation = "sdpa"


def uses_pytorch_attention(model: Any) -> bool:
    """Say whether a model computes attention by PyTorch's own function, with a beginning or not."""
    return model.config._attn_implementation in ("sdpa", NAME)


@functools.cache
def _register() -> None:
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(NAME, _attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)


def _attention(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None,
    **options: Any,
) -> tuple[Tensor, None]:  # fmt: skip
    """Take the place of transformers' sdpa attention, which computes all that has no beginning."""
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    beginning: KeysAndValues | None = options.pop(BEGINNING, None)
    if beginning is None:
        plain: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, **options
        )
        return plain
    before_keys, before_values = beginning[module.layer_idx]
    attended = attend_behind(
        query, key, value, before_keys, before_values, attention_mask, options["scaling"]
    )
    return attended.transpose(1, 2), None


def attend_behind(
    query: Tensor, key: Tensor, value: Tensor,
    before_keys: Tensor, before_values: Tensor,
    mask: Tensor | None, scale: float,
) -> Tensor:  # fmt: skip
    """Return what the queries attend to, [rows, heads, queries, head width]. Gradients flow.

    `key` and `value` [rows, key heads, columns, head width] are the rows' own; those of the
    beginning have one row. `mask` [rows or 1, 1, queries, columns] says what a query sees of its
    own row: booleans, or numbers to be added to the scores. Without a mask a query sees what stands
    up to it, and a single query the whole row. Several heads of queries may share a head of keys.
    """
    attended: Tensor = _operation().apply(
        query, key, value, before_keys.to(query.dtype), before_values.to(query.dtype), mask, scale
    )
    return attended


@functools.cache
def _operation() -> Any:
    """Return the autograd function; it is made late because importing torch is slow."""
    import torch

    class AttentionBehind(torch.autograd.Function):
        """Attention to a beginning and to the own row, with the exact gradients of both."""

        @staticmethod
        def forward(
            context: Any, query: Tensor, key: Tensor, value: Tensor,
            before_keys: Tensor, before_values: Tensor, mask: Tensor | None, scale: float,
        ) -> Tensor:  # fmt: skip
            """Return the attended values of both parts together."""
            heads = key.shape[1]
            if mask is not None:
                mask = _added(mask, query)
            flat = _one_row(query, heads)
            before, before_log = _attend(flat, before_keys, before_values, None, False, scale)
            groups = query.shape[1] // heads
            keys, values = (part.repeat_interleave(groups, 1) for part in (key, value))
            causal = mask is None and query.shape[2] > 1
            own, own_log = _attend(query, keys, values, mask, causal, scale)
            before = _rows(before, query)
            before_log = _rows(before_log[..., None], query)[..., 0]
            log = torch.logaddexp(before_log, own_log)
            attended = torch.exp(before_log - log)[..., None] * before
            attended = (attended + torch.exp(own_log - log)[..., None] * own).to(query.dtype)
            saved = (query, key, value, before_keys, before_values, mask, attended, log)
            context.save_for_backward(*saved)
            context.scale = scale
            return attended

        @staticmethod
        def backward(context: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
            """Return the gradients of queries, keys and values, the beginning's too."""
            saved = context.saved_tensors
            query, key, value, before_keys, before_values, mask, attended, log = saved
            gradient, heads, scale = gradients[0], key.shape[1], context.scale
            groups = query.shape[1] // heads
            flat, flat_attended, flat_gradient = (
                _one_row(part, heads) for part in (query, attended, gradient)
            )
            flat_log = _one_row(log[..., None], heads)[..., 0]
            through, before_key, before_value = _gradients(
                flat_gradient, flat, before_keys, before_values, flat_attended, flat_log,
                None, False, scale,
            )  # fmt: skip
            keys, values = (part.repeat_interleave(groups, 1) for part in (key, value))
            own, own_key, own_value = _gradients(
                gradient, query, keys, values, attended, log,
                mask, mask is None and query.shape[2] > 1, scale,
            )  # fmt: skip
            own_key, own_value = (
                part.view(len(part), heads, groups, *part.shape[2:]).sum(2)
                for part in (own_key, own_value)
            )
            query_gradient = own + _rows(through, query)
            return query_gradient, own_key, own_value, before_key, before_value, None, None

    return AttentionBehind


def _one_row(states: Tensor, heads: int) -> Tensor:
    """Return [1, key heads, the rest, .] of [rows, heads, queries, .]."""
    rows, all_heads, queries, width = states.shape
    grouped = states.reshape(rows, heads, all_heads // heads, queries, width)
    return grouped.permute(1, 2, 0, 3, 4).reshape(1, heads, -1, width)


def _rows(flat: Tensor, query: Tensor) -> Tensor:
    """Return [rows, heads, queries, .] of what `_one_row` made of such a tensor."""
    rows, heads, queries, _ = query.shape
    grouped = flat.reshape(heads, rows, queries, flat.shape[-1])
    return grouped.transpose(0, 1)


def _added(mask: Tensor, query: Tensor) -> Tensor:
    """Return a mask as numbers to be added to the scores, in the dtype of the queries."""
    import torch

    if mask.dtype == torch.bool:
        zeros = torch.zeros(mask.shape, dtype=query.dtype, device=mask.device)
        return zeros.masked_fill_(~mask, torch.finfo(query.dtype).min)
    return mask.to(query.dtype)


def _attend(
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


def _gradients(
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

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
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from benchbench.kit.scoring.attention_kernels import attend, gradients_of

if TYPE_CHECKING:
    from torch import Tensor

KeysAndValues = Mapping[int, tuple["Tensor", "Tensor"]]
"""Keys and values [batch, heads, columns, head width] by the index of the layer."""
NAME = "sdpa_behind_a_beginning"
"""The name of this attention in the model's configuration."""
BEGINNING = "benchbench_beginning"
"""The keyword that carries the beginning from the model's forward to a layer's attention."""
DROPPING = ("attention_dropout", "attn_pdrop")
"""The settings of a model that drops attention weights in training."""


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
            added = None if mask is None else _added(mask, query)
            parts = query, key, value, before_keys, before_values, added
            attended, log = _attend_to_both(*parts, scale)
            context.save_for_backward(*parts, attended, log)
            context.scale = scale
            return attended

        @staticmethod
        def backward(context: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
            """Return the gradients of queries, keys and values, the beginning's too."""
            saved: Any = context.saved_tensors
            parts = _gradients_of_both(gradients[0], *saved, scale=context.scale)
            return *parts, None, None

    return AttentionBehind


def _attend_to_both(
    query: Tensor, key: Tensor, value: Tensor,
    before_keys: Tensor, before_values: Tensor, mask: Tensor | None, scale: float,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Return the attended values, and float32 logarithms [rows, heads, queries]."""
    import torch

    flat = _one_row(query, key.shape[1])
    before, before_log = attend(flat, before_keys, before_values, None, False, scale)
    own, own_log = attend(
        query, _per_query_head(key, query), _per_query_head(value, query),
        mask, _is_causal(query, mask), scale,
    )  # fmt: skip
    before = _rows(before, query)
    before_log = _rows(before_log[..., None], query)[..., 0]
    log = torch.logaddexp(before_log, own_log)
    attended = torch.exp(before_log - log)[..., None] * before
    attended = attended + torch.exp(own_log - log)[..., None] * own
    return attended.to(query.dtype), log


def _gradients_of_both(
    gradient: Tensor, query: Tensor, key: Tensor, value: Tensor,
    before_keys: Tensor, before_values: Tensor, mask: Tensor | None,
    attended: Tensor, log: Tensor, *, scale: float,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """Return the gradients of queries, keys and values, and of the beginning's keys and values."""
    heads = key.shape[1]
    flat, flat_attended, flat_gradient = (
        _one_row(part, heads) for part in (query, attended, gradient)
    )
    flat_log = _one_row(log[..., None], heads)[..., 0]
    through, before_key, before_value = gradients_of(
        flat_gradient, flat, before_keys, before_values, flat_attended, flat_log,
        None, False, scale,
    )  # fmt: skip
    own, own_key, own_value = gradients_of(
        gradient, query, _per_query_head(key, query), _per_query_head(value, query),
        attended, log, mask, _is_causal(query, mask), scale,
    )  # fmt: skip
    own_key, own_value = (
        part.reshape(len(part), heads, -1, *part.shape[2:]).sum(2) for part in (own_key, own_value)
    )
    return own + _rows(through, query), own_key, own_value, before_key, before_value


def _is_causal(query: Tensor, mask: Tensor | None) -> bool:
    """Say whether a query sees what stands up to it; a single query sees its whole row."""
    return mask is None and query.shape[2] > 1


def _per_query_head(states: Tensor, query: Tensor) -> Tensor:
    """Return keys or values repeated for each head of queries that shares them."""
    return states.repeat_interleave(query.shape[1] // states.shape[1], 1)


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

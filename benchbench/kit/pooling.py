"""One vector a document from its hidden states. The attention mask decides, never the pad id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

Pooling = Literal["first", "last", "mean", "max"]


def pool(hidden: Tensor, attention_mask: Tensor, how: Pooling) -> Tensor:
    """Return float32 [batch, width] from hidden [batch, tokens, width] and mask [batch, tokens].

    "first" and "last" are the first and the last token that the mask keeps, "mean" and "max"
    run over all of them. Padding may stand on either side, or hold anything, not-a-numbers
    included. Every row of the mask must keep a token.
    """
    import torch

    hidden = hidden.float()
    if how in ("first", "last"):
        rows = torch.arange(hidden.shape[0], device=hidden.device)
        ends = {"first": attention_mask.long().argmax(dim=1), "last": last_token(attention_mask)}
        return hidden[rows, ends[how]]
    kept = attention_mask.bool()[:, :, None]
    if how == "max":
        return hidden.masked_fill(~kept, float("-inf")).amax(dim=1)
    return hidden.masked_fill(~kept, 0.0).sum(dim=1) / kept.sum(dim=1)


def last_token(attention_mask: Tensor) -> Tensor:
    """Return int64 [batch]: the position of the last token that the mask keeps."""
    import torch

    positions = torch.arange(attention_mask.shape[1], device=attention_mask.device)
    return (attention_mask.long() * positions).argmax(dim=1)


def position_ids(attention_mask: Tensor) -> Tensor:
    """Return int64 [batch, tokens]: 0 for the first kept token, whatever padding precedes it."""
    return (attention_mask.long().cumsum(dim=1) - 1).clamp(min=0)

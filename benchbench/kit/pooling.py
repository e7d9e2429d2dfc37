"""From the hidden states of a document's tokens to one vector per document.

A pooling is one function and one row of `POOLINGS`: methods take their choices from the table.
The attention mask says which tokens are real; the pad id is never looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchbench.contract import Parameter, UnknownName, did_you_mean

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Pooling:
    """What a pooling takes as the document's vector, in words, and the function that takes it.

    The function gets float32 hidden states [batch, tokens, width] and an int64 mask
    [batch, tokens] that keeps at least one token per row; it returns float32 [batch, width].
    """

    description: str
    function: Callable[[Tensor, Tensor], Tensor]


def pool(hidden: Tensor, attention_mask: Tensor, how: str) -> Tensor:
    """Return float32 [batch, width] from hidden [batch, tokens, width] and mask [batch, tokens].

    `how` is a name of `POOLINGS`. Padding may stand on either side and hold anything,
    not-a-numbers included. Raises UnknownName.
    """
    if how not in POOLINGS:
        raise UnknownName(f"unknown pooling '{how}'{did_you_mean(how, POOLINGS)}")
    return POOLINGS[how].function(hidden.float(), attention_mask)


def pooling_parameter(default: str, without: Collection[str] = ()) -> Parameter:
    """Return a method's parameter `pooling`: every row of `POOLINGS` except those in `without`.

    >>> pooling_parameter("first", without=("last",)).choices
    ('first', 'mean', 'max')
    """
    names = [default, *(name for name in POOLINGS if name != default and name not in without)]
    described = "; ".join(f"{name}: {POOLINGS[name].description}" for name in names)
    help = f"how the final hidden states become the document's vector. {described}"
    return Parameter("pooling", str, default, help, choices=tuple(names))


def last_token(attention_mask: Tensor) -> Tensor:
    """Return int64 [batch]: the position of the last token that the mask keeps."""
    import torch

    positions = torch.arange(attention_mask.shape[1], device=attention_mask.device)
    return (attention_mask.long() * positions).argmax(dim=1)


def position_ids(attention_mask: Tensor) -> Tensor:
    """Return int64 [batch, tokens]: 0 for the first kept token, whatever padding precedes it."""
    return (attention_mask.long().cumsum(dim=1) - 1).clamp(min=0)


def _last(hidden: Tensor, attention_mask: Tensor) -> Tensor:
    return _at(hidden, last_token(attention_mask))


def _first(hidden: Tensor, attention_mask: Tensor) -> Tensor:
    return _at(hidden, attention_mask.long().argmax(dim=1))


def _mean(hidden: Tensor, attention_mask: Tensor) -> Tensor:
    kept = attention_mask.bool()[:, :, None]
    return hidden.masked_fill(~kept, 0.0).sum(dim=1) / kept.sum(dim=1)


def _max(hidden: Tensor, attention_mask: Tensor) -> Tensor:
    kept = attention_mask.bool()[:, :, None]
    return hidden.masked_fill(~kept, float("-inf")).amax(dim=1)


def _at(hidden: Tensor, positions: Tensor) -> Tensor:
    """Return the hidden state [batch, width] of one position per row."""
    import torch

    return hidden[torch.arange(hidden.shape[0], device=hidden.device), positions]


POOLINGS: dict[str, Pooling] = {
    "last": Pooling("the state of the last token", _last),
    "first": Pooling("the state of the first token, [CLS] in an encoder", _first),
    "mean": Pooling("the mean over all tokens", _mean),
    "max": Pooling("the largest value of each dimension over all tokens", _max),
}
"""Every pooling by name. The order of the rows is the order of a parameter's choices."""

"""A cache that gives each layer the earlier keys and values only while the layer needs them.

    layer 1    [ earlier 1 | new 1 ] -> attention -> keep new 1, free the rest
    layer 2                [ earlier 2 | new 2 ] -> attention -> keep new 2, free the rest
    ...

    usual cache      memory = layers x (earlier + new)
    passing cache    memory = 1 x earlier + layers x new

What a pass sees of earlier tokens is many times as large as what it adds. For all layers at once
it would be most of the memory of the pass.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

Pieces = Sequence[tuple["Tensor", "Tensor"]]
"""Pairs of keys and values [batch, heads, columns, head width]; the columns stand side by side."""


def passing_cache(earlier: Sequence[Callable[[], Pieces]], columns: int) -> Any:
    """Return a cache with one layer per entry of `earlier`.

    `earlier[i]()` returns what layer i sees of earlier tokens, `columns` columns in all. After
    the pass the layers hold the keys and values of the new tokens.
    """
    from transformers.cache_utils import DynamicCache

    cache = DynamicCache()
    cache.layers += [_layer()(pieces, columns) for pieces in earlier]
    return cache


@functools.cache
def _layer() -> Any:
    """Return the class of the layers; it is made late because importing transformers is slow."""
    import torch
    from transformers.cache_utils import DynamicLayer

    class PassingLayer(DynamicLayer):  # type: ignore[misc]
        """A layer of the cache; its `update` takes the place of the one of `DynamicLayer`."""

        def __init__(self, earlier: Callable[[], Pieces], columns: int) -> None:
            super().__init__()
            self.earlier, self.columns = earlier, columns

        def get_seq_length(self) -> int:
            """Return the number of earlier columns."""
            return self.columns

        def update(
            self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any
        ) -> tuple[Tensor, Tensor]:
            """Take the place of `DynamicLayer.update`: keep the new, return earlier and new."""
            self.lazy_initialization(key_states, value_states)
            self.keys, self.values = key_states, value_states
            pieces = [*self.earlier(), (key_states, value_states)]
            keys, values = zip(*pieces, strict=True)
            return torch.cat(keys, dim=2), torch.cat(values, dim=2)

    return PassingLayer

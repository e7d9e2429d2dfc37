"""A cache that puts keys and values together for each layer when it needs them, and not before.

What a pass sees of earlier tokens is many times as large as what it adds. All layers' at once
would be the most memory of the pass; so it is there for one layer at a time, and the cache keeps
the new tokens alone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

Pieces = Sequence[tuple["Tensor", "Tensor"]]
"""Keys and values [batch, heads, columns, head width], some columns after others."""


def passing_cache(earlier: Sequence[Callable[[], Pieces]], columns: int) -> Any:
    """Return a cache of as many layers; `earlier` gives what each sees of so many earlier columns.

    Afterwards its layers hold the keys and values of the new tokens.
    """
    from transformers.cache_utils import DynamicCache

    cache = DynamicCache()
    cache.layers += [_layer()(pieces, columns) for pieces in earlier]
    return cache


@functools.cache
def _layer() -> Any:
    """Return the kind of layer, made when transformers is there."""
    import torch
    from transformers.cache_utils import DynamicLayer

    class PassingLayer(DynamicLayer):  # type: ignore[misc]
        """Gives what it does not keep."""

        def __init__(self, earlier: Callable[[], Pieces], columns: int) -> None:
            super().__init__()
            self.earlier, self.columns = earlier, columns

        def get_seq_length(self) -> int:
            """Count the earlier columns."""
            return self.columns

        def update(
            self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any
        ) -> tuple[Tensor, Tensor]:
            """Keep the new, and return it behind the earlier."""
            self.lazy_initialization(key_states, value_states)
            self.keys, self.values = key_states, value_states
            pieces = [*self.earlier(), (key_states, value_states)]
            keys, values = zip(*pieces, strict=True)
            return torch.cat(keys, dim=2), torch.cat(values, dim=2)

    return PassingLayer

"""Final hidden states at a few positions, with a last layer that computes only those.

    the last layer of a model     its own forward      ours, read at position 3
                                  0  1  2  3           0  1  2  3
    norm                          x  x  x  x           x  x  x  x
    keys, values                  x  x  x  x           x  x  x  x      position 3 sees them all
    queries, attention            x  x  x  x                    x
    feed-forward part             x  x  x  x                    x
    final norm                    x  x  x  x                    x

    x' = x + attention(query = norm(x), keys and values = norm(x of all positions))
    y  = x' + feed_forward(norm(x'))

Both lines hold per position, so they are computed only at the positions that are read. For a
model of 4 layers that is read at one position per document, this saves more than a fifth of the
work. A model that is built in another way keeps its own forward.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import MethodType
from typing import TYPE_CHECKING, Any

from benchbench.kit.exactness import agree, is_exact
from benchbench.kit.scoring.shared_attention import uses_pytorch_attention

if TYPE_CHECKING:
    from torch import Tensor

LAYER_PARTS = ("input_layernorm", "self_attn", "post_attention_layernorm", "mlp")
"""The parts of a layer that computes x + attention(norm(x)), then x + mlp(norm(x))."""
ATTENTION_PARTS = ("q_proj", "k_proj", "v_proj", "o_proj", "head_dim")
COLUMNS = "benchbench_columns"
"""The keyword that carries the positions from the model's forward to the layer's."""


def hidden_states_at(model: Any, columns: Tensor, **inputs: Any) -> Tensor:
    """Return the final hidden states [batch, n, width] at `columns`, int64 [batch, n].

    `inputs` go to the model without its output head; the attention mask may have two or four
    dimensions. Gradients flow. A model whose layers are not made of `LAYER_PARTS`, or whose
    attention is not PyTorch's own function, is computed whole.
    """
    if _narrowed(model):
        narrow: Tensor = model.base_model(**inputs, **{COLUMNS: columns}).last_hidden_state
        return narrow
    return _taken(model.base_model(**inputs).last_hidden_state, columns)


@dataclass(frozen=True, slots=True)
class FixedCache:
    """Takes the place of a model's cache: it answers with the keys and values of all positions."""

    keys: Tensor
    values: Tensor

    def update(self, keys: Tensor, values: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Return the fixed keys and values; those of the few positions are among them."""
        return self.keys, self.values


def _narrowed(model: Any) -> bool:
    """Say whether the last layer can leave positions out; tried once per model."""
    known = getattr(model, "benchbench_narrowed", None)
    if known is None:
        known = model.benchbench_narrowed = _narrow(model)
    return bool(known)


def _narrow(model: Any) -> bool:
    """Replace the last layer's `forward` where ours gives the same states; say whether it does."""
    layers = getattr(model.base_model, "layers", None)
    if not layers or not uses_pytorch_attention(model):
        return False
    layer = layers[-1]
    if not all(hasattr(layer, part) for part in LAYER_PARTS):
        return False
    if not all(hasattr(layer.self_attn, part) for part in ATTENTION_PARTS):
        return False
    layer.forward = MethodType(_forward, layer)
    if is_exact(model, lambda: _all_agree(model)):
        return True
    del layer.forward  # back to the class's own forward
    return False


def _forward(layer: Any, hidden_states: Tensor, *arguments: Any, **options: Any) -> Any:
    """Take the place of a decoder layer's `forward`: compute it at a few positions only.

    The positions come in the keyword `COLUMNS`. Without it the layer's own forward runs.
    """
    columns = options.pop(COLUMNS, None)
    if columns is None:
        return type(layer).forward(layer, hidden_states, *arguments, **options)
    at = _taken(hidden_states, columns)
    at = at + _attended(layer, layer.input_layernorm(hidden_states), columns, options)
    return at + layer.mlp(layer.post_attention_layernorm(at))


def _attended(layer: Any, hidden: Tensor, columns: Tensor, options: dict[str, Any]) -> Tensor:
    """Return the attention output at `columns` for normed `hidden` [batch, tokens, width]."""
    attention, (cos, sin) = layer.self_attn, options.pop("position_embeddings")
    keys, values = _keys_and_values(attention, hidden, cos, sin)
    cache = options.pop("past_key_values", None)
    if cache is not None:
        keys, values = cache.update(keys, values, attention.layer_idx)
    before = keys.shape[-2] - hidden.shape[1]  # columns that the cache held already
    mask = _mask_of(options.pop("attention_mask", None), columns, keys.shape[-2], before)
    rows = len(hidden)
    attended: Tensor = attention(
        hidden_states=_taken(hidden, columns),
        position_embeddings=tuple(
            _taken(part.expand(rows, -1, -1), columns) for part in (cos, sin)
        ),
        attention_mask=mask,
        past_key_values=FixedCache(keys, values),
        **options,
    )[0]
    return attended


def _keys_and_values(
    attention: Any, hidden: Tensor, cos: Tensor, sin: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the keys and the values of all positions, [batch, heads, tokens, head width] each."""
    shape = (*hidden.shape[:-1], -1, attention.head_dim)
    keys = attention.k_proj(hidden).view(shape)
    if hasattr(attention, "k_norm"):  # Qwen3
        keys = attention.k_norm(keys)
    keys = keys.transpose(1, 2)
    rotate = sys.modules[type(attention).__module__].apply_rotary_pos_emb
    _, keys = rotate(keys[:, :0], keys, cos, sin)
    return keys, attention.v_proj(hidden).view(shape).transpose(1, 2)


def _mask_of(mask: Tensor | None, columns: Tensor, width: int, before: int) -> Tensor | None:
    """Return the rows of a mask [batch, 1, tokens, width] that belong to `columns`.

    Without a mask a position sees itself and all positions before it, the `before` cached ones
    included.
    """
    import torch

    if mask is not None:
        rows = torch.arange(len(columns), device=columns.device)[:, None]
        return mask.expand(len(columns), -1, -1, -1)[rows, 0, columns][:, None]
    if columns.device.type == "cpu" and bool((columns + before == width - 1).all()):
        return None  # not asked of a GPU, which would have to be waited for
    places = torch.arange(width, device=columns.device)
    return (places <= columns[..., None] + before)[:, None]


def _taken(states: Tensor, columns: Tensor) -> Tensor:
    """Return states [batch, n, width] at `columns` [batch, n] of [batch, tokens, width]."""
    import torch

    return states[torch.arange(len(columns), device=columns.device)[:, None], columns]


def _all_agree(model: Any) -> bool:
    """Say whether short rows, with and without padding, have the states of the whole model."""
    import torch

    device = model.get_input_embeddings().weight.device
    ids = torch.arange(1, 9, device=device).repeat(2, 1)
    whole = torch.ones_like(ids)
    padded = whole.clone()
    padded[1, 6:] = 0
    cases = ((whole, [[7], [7]]), (whole, [[7, 2], [0, 5]]), (padded, [[7], [5]]))
    return all(
        _agrees(model, torch.tensor(columns, device=device), ids, mask) for mask, columns in cases
    )


def _agrees(model: Any, columns: Tensor, ids: Tensor, mask: Tensor) -> bool:
    """Say whether both ways agree within rounding."""
    inputs = {"input_ids": ids, "attention_mask": mask, "use_cache": False}
    whole = _taken(model.base_model(**inputs).last_hidden_state, columns)
    narrow = model.base_model(**inputs, **{COLUMNS: columns}).last_hidden_state
    return agree(narrow, whole)

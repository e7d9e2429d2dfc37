"""Final hidden states at a few positions, without computing what nobody looks at.

In the last layer a position needs the keys and values of those before it and nothing else of
them: queries, feed-forward part and final norm are computed where the states are read alone. Of
a 4-layer model read at one position a document that leaves out more than a fifth of the work.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import MethodType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

LAYER_PARTS = ("input_layernorm", "self_attn", "post_attention_layernorm", "mlp")
"""What a layer has whose sum is x + attention(norm(x)), then x + mlp(norm(x))."""
ATTENTION_PARTS = ("q_proj", "k_proj", "v_proj", "o_proj", "head_dim")
COLUMNS = "benchbench_columns"
TOLERANCE = 1e-4


def states_at(model: Any, columns: Tensor, **inputs: Any) -> Tensor:
    """Return the final hidden states [batch, n, width] at `columns`, int64 [batch, n].

    `inputs` are those of the model without its output head, a mask of two or four dimensions
    among them. Gradients flow. A model that is built otherwise than `LAYER_PARTS`, or attends
    otherwise than by PyTorch's own function, is computed whole.
    """
    if _narrowed(model):
        narrow: Tensor = model.base_model(**inputs, **{COLUMNS: columns}).last_hidden_state
        return narrow
    return _taken(model.base_model(**inputs).last_hidden_state, columns)


@dataclass(frozen=True, slots=True)
class Given:
    """Stands where a cache of keys and values is expected, and answers with all of them."""

    keys: Tensor
    values: Tensor

    def update(self, keys: Tensor, values: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Return the given ones: those of the few positions are among them."""
        return self.keys, self.values


def _narrowed(model: Any) -> bool:
    """Say whether the last layer can leave positions out; found out once a model."""
    known = getattr(model, "benchbench_narrowed", None)
    if known is None:
        known = model.benchbench_narrowed = _narrow(model)
    return bool(known)


def _narrow(model: Any) -> bool:
    """Give the last layer a forward that can leave positions out, if that gives the same."""
    layers = getattr(model.base_model, "layers", None)
    if not layers or model.config._attn_implementation != "sdpa":
        return False
    layer = layers[-1]
    if not all(hasattr(layer, part) for part in LAYER_PARTS):
        return False
    if not all(hasattr(layer.self_attn, part) for part in ATTENTION_PARTS):
        return False
    layer.forward = MethodType(_forward, layer)
    if _is_exact(model):
        return True
    del layer.forward  # the class's own again
    return False


def _forward(layer: Any, hidden_states: Tensor, *arguments: Any, **options: Any) -> Any:
    """Compute a layer; takes the place of its own `forward`."""
    columns = options.pop(COLUMNS, None)
    if columns is None:
        return type(layer).forward(layer, hidden_states, *arguments, **options)
    at = _taken(hidden_states, columns)
    at = at + _attended(layer, layer.input_layernorm(hidden_states), columns, options)
    return at + layer.mlp(layer.post_attention_layernorm(at))


def _attended(layer: Any, hidden: Tensor, columns: Tensor, options: dict[str, Any]) -> Tensor:
    """Return what the positions `columns` of normed `hidden` [batch, tokens, width] attend to."""
    attention, (cos, sin) = layer.self_attn, options.pop("position_embeddings")
    keys, values = _keys_and_values(attention, hidden, cos, sin)
    cache = options.pop("past_key_values", None)
    if cache is not None:
        keys, values = cache.update(keys, values, attention.layer_idx)
    before = keys.shape[-2] - hidden.shape[1]  # what a cache held already
    mask = _mask_of(options.pop("attention_mask", None), columns, keys.shape[-2], before)
    every = len(hidden)
    attended: Tensor = attention(
        hidden_states=_taken(hidden, columns),
        position_embeddings=tuple(
            _taken(part.expand(every, -1, -1), columns) for part in (cos, sin)
        ),
        attention_mask=mask,
        past_key_values=Given(keys, values),
        **options,
    )[0]
    return attended


def _keys_and_values(
    attention: Any, hidden: Tensor, cos: Tensor, sin: Tensor
) -> tuple[Tensor, Tensor]:
    """Return both for all positions, each [batch, heads, tokens, head width]."""
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

    Without a mask a position sees itself and what precedes it, `before` cached ones among it.
    """
    import torch

    if mask is not None:
        rows = torch.arange(len(columns), device=columns.device)[:, None]
        return mask.expand(len(columns), -1, -1, -1)[rows, 0, columns][:, None]
    if bool((columns + before == width - 1).all()):
        return None
    places = torch.arange(width, device=columns.device)
    return (places <= columns[..., None] + before)[:, None]


def _taken(states: Tensor, columns: Tensor) -> Tensor:
    """Return states [batch, n, width] at `columns` [batch, n] of [batch, tokens, width]."""
    import torch

    return states[torch.arange(len(columns), device=columns.device)[:, None], columns]


def _is_exact(model: Any) -> bool:
    """Compare the states of short rows, padded ones among them, with those of the whole model."""
    import torch

    training = model.training
    model.eval()  # dropout would make any two passes differ
    device = model.get_input_embeddings().weight.device
    ids = torch.arange(1, 9, device=device).repeat(2, 1)
    whole = torch.ones_like(ids)
    padded = whole.clone()
    padded[1, 6:] = 0
    cases = ((whole, [[7], [7]]), (whole, [[7, 2], [0, 5]]), (padded, [[7], [5]]))
    try:
        with torch.no_grad():
            return all(
                _agrees(model, torch.tensor(columns, device=device), ids, mask)
                for mask, columns in cases
            )
    except torch.OutOfMemoryError:  # a RuntimeError, but no word about the model's build
        raise
    except (AttributeError, IndexError, TypeError, ValueError, RuntimeError):
        return False
    finally:
        model.train(training)


def _agrees(model: Any, columns: Tensor, ids: Tensor, mask: Tensor) -> bool:
    """Say whether both ways agree to rounding, which is coarse in 16 bits."""
    import torch

    inputs = {"input_ids": ids, "attention_mask": mask, "use_cache": False}
    whole = _taken(model.base_model(**inputs).last_hidden_state, columns)
    narrow = model.base_model(**inputs, **{COLUMNS: columns}).last_hidden_state
    limit = (TOLERANCE if whole.dtype == torch.float32 else 0.05) * float(whole.abs().max())
    return narrow.shape == whole.shape and float((narrow - whole).abs().max()) <= limit

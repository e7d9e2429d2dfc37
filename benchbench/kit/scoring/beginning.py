"""What all prompts of a batch begin with: read once, and seen by every prompt.

    instruction, labels   | document 1, answer slot
                          | document 2, answer slot
    read once             | document 3, answer slot

    plain     tokens read = prompts x (beginning + rest)
    shared    tokens read = beginning + prompts x rest

Its keys and values are kept in one row (`shared_attention`). In training, gradients of all prompts
flow back into them, and through the beginning once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from benchbench.kit.batching import to_device
from benchbench.kit.exactness import agree, is_exact
from benchbench.kit.known_states import inputs_of
from benchbench.kit.scoring.last_layer import hidden_states_at
from benchbench.kit.scoring.shared_attention import (
    BEGINNING,
    KeysAndValues,
    use_shared_attention,
    use_usual_attention,
)

if TYPE_CHECKING:
    from torch import Tensor

FEWEST_SHARED = 4
"""The shortest common beginning that is worth a pass of its own, in tokens."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """Keys and values of a beginning: [1, heads, length, head width] by the index of the layer.

    `ids` are its tokens. Layers that were not computed have none (`known_states`).
    """

    layers: KeysAndValues
    ids: tuple[int, ...]

    @property
    def length(self) -> int:
        """The number of its tokens."""
        return len(self.ids)

    @classmethod
    def read(cls, model: Any, ids: Sequence[int]) -> Beginning:
        """Read at least one token. Gradients flow to what is made of it."""
        import torch
        from transformers.cache_utils import DynamicCache

        device = model.get_input_embeddings().weight.device
        cache = DynamicCache()
        with _without_checkpointing(model):
            hidden_states_at(
                model,
                torch.full((1, 1), len(ids) - 1, device=device),
                **inputs_of(model, [ids], to_device(torch.tensor([list(ids)]), device)),
                attention_mask=None,
                position_ids=torch.arange(len(ids), device=device)[None],
                past_key_values=cache,
                use_cache=True,
            )
        computed = {
            index: (layer.keys, layer.values)
            for index, layer in enumerate(cache.layers)
            if layer.is_initialized
        }
        return cls(computed, tuple(ids))

    def leaf(self) -> Beginning:
        """Return a copy that gradients end at, so that several passes can add theirs to it."""
        parts = {at: (_leaf(keys), _leaf(values)) for at, (keys, values) in self.layers.items()}
        return Beginning(parts, self.ids)

    def backward(self, leaf: Beginning) -> None:
        """Pass on what has come together in a copy; it is what all passes would have sent here."""
        import torch

        tensors, copies = (chain.from_iterable(b.layers.values()) for b in (self, leaf))
        pairs = zip(tensors, copies, strict=True)
        reached = [(tensor, copy.grad) for tensor, copy in pairs if copy.grad is not None]
        if reached:
            reached_tensors, gradients = zip(*reached, strict=True)
            torch.autograd.backward(reached_tensors, gradients)

    @property
    def option(self) -> dict[str, Any]:
        """What a model's forward is given beside its usual inputs."""
        return {BEGINNING: self.layers}


def option_of(beginning: Beginning | None) -> dict[str, Any]:
    """Return the option of a beginning; none where there is none."""
    return beginning.option if beginning is not None else {}


def takes_beginning(model: Any) -> bool:
    """Say whether a model gives the states of whole rows behind a beginning; tried once per model.

    It does where it hands options down to an attention of PyTorch's own.
    """
    known = getattr(model, "benchbench_takes_beginning", None)
    if known is None:
        known = model.benchbench_takes_beginning = _try(model)
    return bool(known)


def shared_beginning(prompts: Sequence[Sequence[int]]) -> int:
    """Return how many tokens all prompts begin with, without the last token of any prompt.

    >>> shared_beginning([[5, 6, 7, 8], [5, 6, 9]])
    2
    >>> shared_beginning([[5, 6], [5, 6]])
    1
    """
    # In sorted order, no prompt differs from the first earlier than the last one does.
    first, last = min(map(list, prompts)), max(map(list, prompts))
    shortest = min(map(len, prompts)) - 1
    differing = (at for at in range(shortest) if first[at] != last[at])
    return next(differing, shortest)


def _leaf(tensor: Tensor) -> Tensor:
    return tensor.detach().requires_grad_(tensor.requires_grad)


@contextmanager
def _without_checkpointing(model: Any) -> Iterator[None]:
    """Keep all activations of the one row: a layer that is computed again gives no cache."""
    layers = [m for m in model.modules() if getattr(m, "gradient_checkpointing", False) is True]
    for layer in layers:
        layer.gradient_checkpointing = False
    try:
        yield
    finally:
        for layer in layers:
            layer.gradient_checkpointing = True


def _try(model: Any) -> bool:
    """Give the model our attention where its states stay right; say whether it has it."""
    if not use_shared_attention(model):
        return False
    if is_exact(model, lambda: _agrees(model)):
        return True
    use_usual_attention(model)
    return False


def _agrees(model: Any) -> bool:
    """Compare two rows of nine tokens, five of them shared, as they are and behind a beginning.

    They agree where rows behind a beginning have the states of whole rows, masked or not.
    """
    import torch

    device = model.get_input_embeddings().weight.device
    shared, rest = [1, 2, 3, 4, 5], [[6, 7, 8, 9], [9, 8, 7, 6]]
    rows = torch.tensor([[*shared, *row] for row in rest], device=device)
    use_usual_attention(model)
    whole: Tensor = model.base_model(input_ids=rows, use_cache=False).last_hidden_state[:, 5:]
    use_shared_attention(model)
    beginning = Beginning.read(model, shared)
    seen = torch.ones(4, 4, dtype=torch.bool, device=device).tril()[None, None]
    options = {
        "input_ids": torch.tensor(rest, device=device),
        "position_ids": torch.arange(5, 9, device=device).expand(2, -1),
        "use_cache": False,
        **beginning.option,
    }
    columns = torch.arange(4, device=device).expand(2, -1)
    parts = [
        hidden_states_at(model, columns, attention_mask=None, **options),
        model.base_model(attention_mask=seen, **options).last_hidden_state,
    ]
    return all(agree(part, whole) for part in parts)

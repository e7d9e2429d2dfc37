"""The layers below the lowest adapter. They do not change, so their states need one computation.

    adapter_layers = 2      plain forward              with known states
    layer 4, adapter        x  x  x  x                 x  x  x  x
    layer 3, adapter        x  x  x  x                 x  x  x  x   <- begins with kept states
    layer 2, frozen         x  x  x  x                 .  .  .  .      handed up as they are
    layer 1, frozen         x  x  x  x                 .  .  .  .

No gradient goes below layer 3 in either case. A model whose layers cannot be left out in this way
computes all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import MethodType
from typing import TYPE_CHECKING, Any

from benchbench.contract import BenchbenchError
from benchbench.kit.exactness import agree, is_exact

if TYPE_CHECKING:
    from torch import Tensor, nn

KNOWN = "benchbench_known_states"
"""The keyword that says to a frozen layer: these are no embeddings, hand them up."""


def decoder_layers(model: Any) -> Sequence[nn.Module]:
    """Return the model's layers, from the lowest to the highest; none where they are not found."""
    from torch import nn

    count = getattr(model.config.get_text_config(), "num_hidden_layers", None)
    found: dict[str, nn.ModuleList] = {}
    for name, module in model.base_model.named_modules():
        # a list inside of a layer is that of its experts
        inside = any(name.startswith(f"{outer}.") for outer in found)
        if isinstance(module, nn.ModuleList) and len(module) == count and not inside:
            found[name] = module
    return list(*found.values()) if len(found) == 1 else []


def frozen_count(model: Any, adapter_layers: int | str) -> int:
    """Return how many layers are below the `adapter_layers` highest ones; 0 for "all".

    Raises BenchbenchError where the model has fewer layers, or keeps them where none are found.
    """
    if isinstance(adapter_layers, str):
        return 0
    layers = len(decoder_layers(model))
    if not layers:
        raise BenchbenchError(
            f"adapter_layers={adapter_layers}: the layers of a {type(model).__name__} cannot be "
            "told apart; set adapter_layers to all"
        )
    if adapter_layers > layers:
        raise BenchbenchError(
            f"adapter_layers={adapter_layers}: the model has {layers} layers; set adapter_layers "
            f"to at most {layers}, or to all"
        )
    return layers - adapter_layers


def states_below(model: Any, count: int, **inputs: Any) -> Tensor:
    """Return the states [batch, tokens, width] that enter layer `count`, counted from 0.

    `inputs` go to the model without its output head. Nothing above that layer is computed.
    """
    with _ends_at(decoder_layers(model)[count]):
        try:
            model.base_model(**inputs)
        except _Reached as reached:
            return reached.states
    raise RuntimeError(f"layer {count} was not reached")


def can_begin_at(model: Any, count: int) -> bool:
    """Say whether the model gives the same final states from kept ones; tried once per model.

    From then on, its `count` lowest layers hand up what comes with the keyword `KNOWN`.
    """
    known: dict[int, bool] = model.__dict__.setdefault("benchbench_begins_at", {})
    if count not in known:
        known[count] = _try(model, count)
    return known[count]


class _Reached(Exception):
    """Ends a forward pass with the states that have come so far."""

    def __init__(self, states: Tensor) -> None:
        super().__init__()
        self.states = states


@contextmanager
def _ends_at(layer: nn.Module) -> Iterator[None]:
    def stop(module: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        raise _Reached(arguments[0] if arguments else options["hidden_states"])

    hook = layer.register_forward_pre_hook(stop, with_kwargs=True)
    try:
        yield
    finally:
        hook.remove()


def _try(model: Any, count: int) -> bool:
    """Let the lowest layers hand up known states; take that back where final states differ."""
    layers: Any = decoder_layers(model)[:count]
    if not layers:
        return False
    for layer in layers:
        layer.forward = MethodType(_forward, layer)
    if is_exact(model, lambda: _agrees(model, count) and not _draws(model, count)):
        return True
    for layer in layers:
        del layer.forward  # back to the class's own forward
    return False


def _forward(layer: Any, hidden_states: Tensor, *arguments: Any, **options: Any) -> Any:
    """Take the place of a frozen layer's `forward`: hand known states up, compute all others."""
    if options.pop(KNOWN, False):
        return hidden_states
    return type(layer).forward(layer, hidden_states, *arguments, **options)


def _draws(model: Any, count: int) -> bool:
    """Say whether the layers draw random numbers in training, so that their states differ."""
    import torch

    ids = _two_rows(model)
    model.train()
    try:
        with torch.random.fork_rng([ids.device] if ids.is_cuda else []):
            one, other = (
                states_below(model, count, input_ids=ids, use_cache=False) for _ in range(2)
            )
    finally:
        model.eval()
    return not torch.equal(one, other)


def _agrees(model: Any, count: int) -> bool:
    """Say whether two short rows have the final states of a plain forward."""
    ids = _two_rows(model)
    whole: Tensor = model.base_model(input_ids=ids, use_cache=False).last_hidden_state
    states = states_below(model, count, input_ids=ids, use_cache=False)
    known = model.base_model(inputs_embeds=states, use_cache=False, **{KNOWN: True})
    return agree(known.last_hidden_state, whole)


def _two_rows(model: Any) -> Tensor:
    """Return token ids [2, 6] where the model reads them."""
    import torch

    device = model.get_input_embeddings().weight.device
    return torch.tensor([[1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1]], device=device)

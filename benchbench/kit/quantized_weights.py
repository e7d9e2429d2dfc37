"""Which weights of a model are quantised, how, and how many of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True)
class Weight:
    """A parameter of a model.

    `size` counts its numbers, unpacked where they are packed. `quantization` is "nf4", "fp4",
    "int8" or None. `inner` is true for the matrices that quantisation is about: all except
    embeddings and the output head, which are left whole by custom.
    """

    name: str
    size: int
    quantization: str | None
    inner: bool


def weights(model: Any) -> list[Weight]:
    """Return every parameter of a model once; tied parameters count as the first of them."""
    head = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
    seen: set[int] = set()
    found = []
    for prefix, module in model.named_modules():
        outer = module is head or "Embedding" in type(module).__name__
        for name, parameter in module.named_parameters(prefix, recurse=False):
            if id(parameter) in seen:
                continue
            seen.add(id(parameter))
            kind, shape = _stored(module, parameter)
            matrix = len(shape) > 1 and not name.endswith("bias")  # experts have theirs as a table
            found.append(Weight(name, shape.numel(), kind, matrix and not outer))
    return found


def quantized_share(model: Any) -> float:
    """Return the share of the numbers in inner matrices that are quantised, from 0 to 1."""
    inner = [weight for weight in weights(model) if weight.inner]
    quantised = sum(weight.size for weight in inner if weight.quantization)
    return quantised / max(1, sum(weight.size for weight in inner))


def quantized_modules(model: nn.Module) -> dict[str, int]:
    """Return how many modules hold quantised weights, as {"nf4": count, "int8": ..., "fp4": ...}.

    >>> from torch import nn
    >>> quantized_modules(nn.Linear(4, 4))
    {'nf4': 0, 'int8': 0, 'fp4': 0}
    """
    counts = {"nf4": 0, "int8": 0, "fp4": 0}
    for module in model.modules():
        if kind := next(_kinds(module), None):
            counts[kind] += 1
    return counts


def packed_experts(module: nn.Module) -> dict[str, Any]:
    """Return name -> quant state of the parameters that are packed without a layer of their own.

    Such are the experts of a mixture, all in one parameter: bitsandbytes unpacks them on access.
    """
    from bitsandbytes.nn.parametrize import Bnb4bitParametrization

    return {
        name: part.quant_state
        for name, parts in getattr(module, "parametrizations", {}).items()
        for part in parts
        if isinstance(part, Bnb4bitParametrization)
    }


def _kinds(module: nn.Module) -> Iterator[str]:
    """Yield the kind of every quantised weight that belongs to a module itself."""
    import bitsandbytes as bnb

    if isinstance(module, bnb.nn.Linear4bit):
        yield module.weight.quant_type
    elif isinstance(module, bnb.nn.Linear8bitLt):
        yield "int8"
    for state in packed_experts(module).values():
        yield state.quant_type


def _stored(module: nn.Module, parameter: nn.Parameter) -> tuple[str | None, Any]:
    """Return (the kind of a parameter or None, its unpacked shape)."""
    import bitsandbytes as bnb
    from bitsandbytes.nn.parametrize import Bnb4bitParametrization

    if isinstance(parameter, bnb.nn.Int8Params):
        return "int8", parameter.shape
    state = getattr(parameter, "quant_state", None)
    for part in module.children():  # of the list that stands between a module and its parameter
        if isinstance(part, Bnb4bitParametrization):
            state = part.quant_state
    return (state.quant_type, state.shape) if state is not None else (None, parameter.shape)

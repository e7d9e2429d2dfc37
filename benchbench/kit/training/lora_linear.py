"""A frozen linear layer and its adapter in one operation: peft's sum, in less time and memory.

    y = W x + b + s B A d(x)        for every token x; s is the scale, d is dropout

                +---------- W [out, in] ----------------- + b ---+
    x [in] -----+                                                +---> y [out]
                +--- d --- A [rank, in] --- B [out, rank] --- * s +

    W and b are frozen, A and B are trained. With X [tokens, in] and ' for the transpose:

    forward     L = d(X) A'                 Y = X W' + b + s L B'
    backward    G = gradient of Y           D = s G B, the gradient of L
                gradient of A = D' d(X)     gradient of B = s G' L
                gradient of X = G W + d(D A), where d drops the same numbers again

peft computes this with a module call, a copy and a node of the graph per arrow. On a CPU, where
a layer of a small model takes microseconds, that is most of the time. Here the sum is written
into one result, and the backward pass keeps X, L, and the positions that were dropped.
"""

from __future__ import annotations

import functools
import math
from types import MethodType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import Tensor

DENSE_BYTES = 256 * 2**20
"""Up to so many bytes of dequantised weights per model are kept beside the packed ones."""


def fuse_adapters(model: Any) -> int:
    """Replace peft's `forward` on every layer that computes the sum above; return how many.

    Only plain adapters on float32 layers on a CPU are fused. All others, and all of them under
    autocast, keep peft's own `forward`. Results are equal to rounding; dropout draws other
    numbers from the same distribution.
    """
    from peft.tuners.lora.layer import LoraLayer

    layers = [
        layer for layer in model.modules() if isinstance(layer, LoraLayer) and _is_plain(layer)
    ]
    keep = sum(math.prod(_shape(layer)) for layer in layers) * 4 <= DENSE_BYTES
    for layer in layers:
        layer.benchbench_dense = _dense(layer.base_layer) if keep else None
        layer.forward = MethodType(_forward, layer)
    return len(layers)


def dropped_positions(numbers: int, rate: float) -> Tensor:
    """Return int64 [n]: the positions that are dropped, each of them with probability `rate`.

    Draw a Poisson number of positions, uniformly and with repetition. Every position is then hit
    with probability 1 - exp(-mean / numbers), independently of all others, so the mean is
    -numbers * log(1 - rate). At the usual rate of 0.05 this draws a twentieth of the random
    numbers that one coin per position takes.
    """
    import torch

    mean = torch.tensor(-numbers * math.log1p(-rate), dtype=torch.float64)
    return torch.randint(numbers, (int(torch.poisson(mean)),))


def _is_plain(layer: Any) -> bool:
    """Say whether a layer computes the sum above, in float32, on a weight that `_dense` reads.

    DoRA does not: peft keeps it as a `lora_variant`. rsLoRA does: only its scale differs.
    """
    import bitsandbytes as bnb
    import torch

    base = layer.base_layer
    names = list(layer.lora_A)
    return (
        type(base) in (torch.nn.Linear, bnb.nn.Linear4bit)
        and base.weight.device.type == "cpu"
        and (type(base) is bnb.nn.Linear4bit or base.weight.dtype == torch.float32)
        and names == ["default"]
        and not layer.lora_variant
        and not layer.fan_in_fan_out
        and layer.lora_B["default"].bias is None
        and layer.lora_A["default"].weight.dtype == torch.float32
    )


def _shape(layer: Any) -> tuple[int, int]:
    return int(layer.out_features), int(layer.in_features)


def _dense(base: Any) -> Tensor:
    """Return the weight [out, in] in float32, dequantised where it is packed."""
    state = getattr(base.weight, "quant_state", None)
    if state is None:
        weight: Tensor = base.weight
        return weight
    from bitsandbytes.functional import dequantize_4bit

    dense: Tensor = dequantize_4bit(base.weight.data.view(-1, 1), state).float()
    return dense


def _forward(layer: Any, x: Tensor, *arguments: Any, **options: Any) -> Tensor:
    """Replace peft's `forward` of a layer: compute the layer and its adapter in one sum."""
    import torch

    usual = not (arguments or options or layer.disable_adapters or layer.merged)
    if not usual or x.dtype != torch.float32 or torch.is_autocast_enabled("cpu"):
        result: Tensor = type(layer).forward(layer, x, *arguments, **options)
        return result
    base = layer.base_layer
    weight = _dense(base) if layer.benchbench_dense is None else layer.benchbench_dense
    dropout = layer.lora_dropout["default"]
    rate = dropout.p if layer.training and isinstance(dropout, torch.nn.Dropout) else 0.0
    down, up = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    scaling = layer.scaling["default"]
    if not torch.is_grad_enabled():
        flat = x.reshape(-1, x.shape[-1])
        return _sum(flat, weight, base.bias, flat @ down.t(), up, scaling).view(*x.shape[:-1], -1)
    fused: Any = _operation()
    summed: Tensor = fused.apply(x, weight, base.bias, down, up, scaling, rate)
    return summed


def _sum(
    x: Tensor, weight: Tensor, bias: Tensor | None, low: Tensor, up: Tensor, scaling: float
) -> Tensor:
    """Return x W' + b + s low B' in one result [tokens, out]."""
    from torch.nn.functional import linear

    return linear(x, weight, bias).addmm_(low, up.t(), alpha=scaling)


@functools.cache
def _operation() -> type[torch.autograd.Function]:
    """Return the operation with its gradients; torch is imported when it is first used."""
    import torch

    class LoraLinear(torch.autograd.Function):
        """The sum above, with gradients for x, A and B."""

        @staticmethod
        def forward(
            ctx: Any,
            x: Tensor,
            weight: Tensor,
            bias: Tensor | None,
            down: Tensor,
            up: Tensor,
            scaling: float,
            rate: float,
        ) -> Tensor:
            flat = x.reshape(-1, x.shape[-1])
            dropped = dropped_positions(flat.numel(), rate) if rate else None
            low = _dropped(flat, dropped, rate) @ down.t()
            ctx.save_for_backward(flat, low, dropped, weight, down, up)
            ctx.scaling, ctx.rate, ctx.shape = scaling, rate, x.shape
            return _sum(flat, weight, bias, low, up, scaling).view(*x.shape[:-1], -1)

        @staticmethod
        def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
            flat, low, dropped, weight, down, up = ctx.saved_tensors
            gradient = gradients[0].reshape(-1, gradients[0].shape[-1])
            low_gradient = (gradient @ up).mul_(ctx.scaling)
            up_gradient = (gradient.t() @ low).mul_(ctx.scaling)
            down_gradient = low_gradient.t() @ _dropped(flat, dropped, ctx.rate)
            x_gradient = None
            if ctx.needs_input_grad[0]:
                through = _dropped(low_gradient @ down, dropped, ctx.rate, new=False)
                x_gradient = torch.addmm(through, gradient, weight).view(ctx.shape)
            return x_gradient, None, None, down_gradient, up_gradient, None, None

    return LoraLinear


def _dropped(x: Tensor, dropped: Tensor | None, rate: float, *, new: bool = True) -> Tensor:
    """Return d(x): zeros where dropped, the rest times 1 / (1 - rate); in place unless `new`."""
    if dropped is None:
        return x
    kept = x.mul(1 / (1 - rate)) if new else x.mul_(1 / (1 - rate))
    kept.view(-1).index_fill_(0, dropped, 0.0)
    return kept

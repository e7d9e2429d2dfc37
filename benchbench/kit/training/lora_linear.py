"""A linear layer with its adapter as one operation: peft's sum, in less time and memory.

peft computes y = W x + s B A d(x), d being dropout, in a module call, a copy and a node of the
graph for every step of it. On a CPU, where a miniature's layers take microseconds, that is most
of the time. Here the sum is written into one result, and what the backward pass needs is x, the
small A d(x), and which numbers were dropped.
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
"""Up to so many bytes, a model's 4-bit weights are kept dequantised beside the packed ones."""


def fuse_adapters(model: Any) -> int:
    """Let every plain adapter on a float32 layer of the CPU compute so; return how many do.

    An adapter on anything else, and one under autocast, goes on computing as peft has it. The
    numbers are peft's to rounding; the draws of dropout are others, from the same distribution.
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
    """Return int64 [n]: which of so many numbers are dropped, each with probability `rate`.

    A Poisson number of places, drawn evenly and with repetition, hits every place independently
    with probability 1 - exp(-mean / numbers); so the mean is -numbers * log(1 - rate). That
    draws a twentieth of what a coin for every number would at the usual rate of 0.05.
    """
    import torch

    mean = torch.tensor(-numbers * math.log1p(-rate), dtype=torch.float64)
    return torch.randint(numbers, (int(torch.poisson(mean)),))


def _is_plain(layer: Any) -> bool:
    """Say whether an adapter is plain LoRA in float32 on a layer that `_dense` knows."""
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
    """Return the weight [out, in] in float32; a packed one is dequantised."""
    state = getattr(base.weight, "quant_state", None)
    if state is None:
        weight: Tensor = base.weight
        return weight
    from bitsandbytes.functional import dequantize_4bit

    dense: Tensor = dequantize_4bit(base.weight.data.view(-1, 1), state).float()
    return dense


def _forward(layer: Any, x: Tensor, *arguments: Any, **options: Any) -> Tensor:
    """Compute a layer and its adapter; takes the place of peft's `forward`."""
    import torch

    ordinary = not (arguments or options or layer.disable_adapters or layer.merged)
    if not ordinary or x.dtype != torch.float32 or torch.is_autocast_enabled("cpu"):
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
    """Return x W' + b + s low B', in one result [tokens, out]."""
    from torch.nn.functional import linear

    return linear(x, weight, bias).addmm_(low, up.t(), alpha=scaling)


@functools.cache
def _operation() -> type[torch.autograd.Function]:
    """Return the operation with its gradients, made when torch is there."""
    import torch

    class LoraLinear(torch.autograd.Function):
        """y = x W' + b + s d(x) A' B', with gradients for x, A and B."""

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
            of_low = (gradient @ up).mul_(ctx.scaling)
            of_up = (gradient.t() @ low).mul_(ctx.scaling)
            of_down = of_low.t() @ _dropped(flat, dropped, ctx.rate)
            of_x = None
            if ctx.needs_input_grad[0]:
                through = _dropped(of_low @ down, dropped, ctx.rate, new=False)
                of_x = torch.addmm(through, gradient, weight).view(ctx.shape)
            return of_x, None, None, of_down, of_up, None, None

    return LoraLinear


def _dropped(x: Tensor, dropped: Tensor | None, rate: float, *, new: bool = True) -> Tensor:
    """Return x without what is dropped, scaled up by 1 / (1 - rate); in place unless `new`."""
    if dropped is None:
        return x
    kept = x.mul(1 / (1 - rate)) if new else x.mul_(1 / (1 - rate))
    kept.view(-1).index_fill_(0, dropped, 0.0)
    return kept

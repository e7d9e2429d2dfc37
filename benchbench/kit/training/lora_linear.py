"""A frozen linear layer and its adapter in one operation: peft's sum, in less time and memory.

    y = W x + b + s B A d(x)        for every token x; s is the scale, d is dropout

                +---------- W [out, in] ----------------- + b ---+
    x [in] -----+                                                +---> y [out]
                +--- d --- A [rank, in] --- B [out, rank] --- * s +

    W and b are frozen, A and B are trained. Dropout at rate p sets numbers to zero and scales the
    rest: d(x) = z(x) / (1 - p). With f = s / (1 - p), X [tokens, in] and ' for the transpose:

    forward     L = z(X) A'                 Y = X W' + b + f L B'
    backward    G = gradient of Y           D = f G B, the gradient of L
                gradient of A = D' z(X)     gradient of B = f G' L
                gradient of X = G W + z(D A), where z sets the same numbers to zero again

peft computes this with a module call, a copy and a node of the graph per arrow. Here the sum is
written into one result. The backward pass keeps X, L and what was dropped. It unpacks W again, so
that no unpacked weight is kept between the passes.
"""

from __future__ import annotations

import functools
import math
from types import MethodType
from typing import TYPE_CHECKING, Any

from benchbench.kit.dense_weights import dense_weight

if TYPE_CHECKING:
    import torch
    from torch import Tensor

DENSE_BYTES = 256 * 2**20
"""On a CPU, the weights of a model that take no more than this in float32 are kept unpacked."""


def fuse_adapters(model: Any) -> int:
    """Replace peft's `forward` on every layer that computes the sum above; return how many.

    Only plain adapters are fused, on whole layers and on layers in 4 bits. Results are equal to
    rounding; dropout draws other numbers from the same distribution.
    """
    import torch
    from peft.tuners.lora.layer import LoraLayer

    layers = [
        layer for layer in model.modules() if isinstance(layer, LoraLayer) and _is_plain(layer)
    ]
    numbers = sum(layer.out_features * layer.in_features for layer in layers)
    keep = numbers * torch.float32.itemsize <= DENSE_BYTES
    for layer in layers:
        base = layer.base_layer
        keep_this = keep and base.weight.device.type == "cpu"
        layer.benchbench_dense = dense_weight(base, torch.float32) if keep_this else None
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


def kept_numbers(x: Tensor, rate: float) -> Tensor:
    """Return booleans of the shape of `x`, each of them false with probability `rate`."""
    import torch

    return torch.empty(x.shape, dtype=torch.bool, device=x.device).bernoulli_(1 - rate)


def _is_plain(layer: Any) -> bool:
    """Say whether a layer computes the sum above on a weight that `dense_weight` reads.

    DoRA does not: peft keeps it as a `lora_variant`. rsLoRA does: only its scale differs.
    """
    import bitsandbytes as bnb
    import torch

    return (
        type(layer.base_layer) in (torch.nn.Linear, bnb.nn.Linear4bit)
        and list(layer.lora_A) == ["default"]
        and not layer.lora_variant
        and not layer.fan_in_fan_out
        and layer.lora_B["default"].bias is None
        and layer.lora_A["default"].weight.dtype == torch.float32
    )


def _forward(layer: Any, x: Tensor, *arguments: Any, **options: Any) -> Tensor:
    """Replace peft's `forward` of a layer: compute the layer and its adapter in one sum."""
    import torch

    dtype = _compute_dtype(x)
    if arguments or options or layer.disable_adapters or layer.merged or dtype is None:
        result: Tensor = type(layer).forward(layer, x, *arguments, **options)
        return result
    dropout = layer.lora_dropout["default"]
    rate = dropout.p if layer.training and isinstance(dropout, torch.nn.Dropout) else 0.0
    down, up = layer.lora_A["default"].weight, layer.lora_B["default"].weight
    scaling = layer.scaling["default"]
    if torch.is_grad_enabled():
        fused: Any = _operation()
        summed: Tensor = fused.apply(x, layer, down, up, scaling, rate, dtype)
        return summed
    flat = x.reshape(-1, x.shape[-1]).to(dtype)
    summed = _sum(flat, layer, flat @ down.to(dtype).t(), up, scaling)
    return summed.view(*x.shape[:-1], -1).to(x.dtype)


def _compute_dtype(x: Tensor) -> torch.dtype | None:
    """Return the dtype of matrix products: that of autocast, else float32; None leaves it to peft.

    Without autocast, peft computes the adapter of narrow numbers in float32.
    """
    import torch

    device = x.device.type
    if torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device):
        return torch.get_autocast_dtype(device)
    return x.dtype if x.dtype == torch.float32 else None


def _weight(layer: Any, dtype: torch.dtype) -> Tensor:
    """Return the frozen weight [out, in]: the copy that is kept, or a new one."""
    if layer.benchbench_dense is not None:
        kept: Tensor = layer.benchbench_dense.to(dtype)
        return kept
    return dense_weight(layer.base_layer, dtype)


def _sum(x: Tensor, layer: Any, low: Tensor, up: Tensor, factor: float) -> Tensor:
    """Return x W' + b + f low B' in one result [tokens, out]."""
    from torch.nn.functional import linear

    bias = layer.base_layer.bias
    whole = linear(x, _weight(layer, x.dtype), bias if bias is None else bias.to(x.dtype))
    return whole.addmm_(low, up.to(x.dtype).t(), alpha=factor)


@functools.cache
def _operation() -> type[torch.autograd.Function]:
    """Return the operation with its gradients; torch is imported when it is first used."""
    import torch

    class LoraLinear(torch.autograd.Function):
        """The sum above, with gradients for x, A and B."""

        @staticmethod
        def forward(
            ctx: Any, x: Tensor, layer: Any, down: Tensor, up: Tensor,
            scaling: float, rate: float, dtype: torch.dtype,
        ) -> Tensor:  # fmt: skip
            flat = x.reshape(-1, x.shape[-1]).to(dtype)
            narrow_down, narrow_up = down.to(dtype), up.to(dtype)
            dropped = _drawn(flat, rate) if rate else None
            low = _zeroed(flat, dropped) @ narrow_down.t()
            ctx.save_for_backward(flat, low, dropped, narrow_down, narrow_up)
            ctx.layer, ctx.shape, ctx.dtypes = layer, x.shape, (x.dtype, down.dtype, up.dtype)
            ctx.factor = scaling / (1 - rate)
            summed = _sum(flat, layer, low, narrow_up, ctx.factor)
            return summed.view(*x.shape[:-1], -1).to(x.dtype)

        @staticmethod
        def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
            flat, low, dropped, down, up = ctx.saved_tensors
            x_dtype, down_dtype, up_dtype = ctx.dtypes
            gradient = gradients[0].reshape(-1, gradients[0].shape[-1]).to(flat.dtype)
            low_gradient = _scaled_product(ctx.factor, gradient, up)
            up_gradient = _scaled_product(ctx.factor, gradient.t(), low).to(up_dtype)
            down_gradient = (low_gradient.t() @ _zeroed(flat, dropped)).to(down_dtype)
            x_gradient = None
            if ctx.needs_input_grad[0]:
                through = _zero(low_gradient @ down, dropped)
                through.addmm_(gradient, _weight(ctx.layer, flat.dtype))
                x_gradient = through.view(ctx.shape).to(x_dtype)
            return x_gradient, None, down_gradient, up_gradient, None, None, None

    return LoraLinear


def _drawn(x: Tensor, rate: float) -> Tensor:
    """Draw what is dropped of x: positions on a CPU, booleans where operations are many at once."""
    return dropped_positions(x.numel(), rate) if x.device.type == "cpu" else kept_numbers(x, rate)


def _zeroed(x: Tensor, dropped: Tensor | None) -> Tensor:
    """Return z(x): a copy with zeros where numbers are dropped; x itself where none is dropped."""
    import torch

    if dropped is None:
        return x
    if dropped.dtype == torch.bool:  # a product with booleans takes a GPU seven times as long
        zeroed: Tensor = torch.ops.aten.native_dropout_backward(x, dropped, 1.0)
        return zeroed
    return _zero(x.clone(), dropped)


def _zero(x: Tensor, dropped: Tensor | None) -> Tensor:
    """Compute z(x), in place where that is possible, and return it."""
    import torch

    if dropped is None or dropped.dtype == torch.bool:
        return _zeroed(x, dropped)
    x.view(-1).index_fill_(0, dropped, 0.0)
    return x


def _scaled_product(factor: float, one: Tensor, other: Tensor) -> Tensor:
    """Return factor * one @ other in one operation."""
    import torch

    nothing = one.new_empty(())  # what is added to the product, times zero
    return torch.addmm(nothing, one, other, beta=0, alpha=factor)

"""The norms of a model on a GPU, each in one operation instead of seven.

    y = x / sqrt(mean(x^2) + e) * w        for every token x (Zhang and Sennrich, 2019, equation 4)

transformers computes this step by step, and a GPU needs longer to start so many operations than to
do them. PyTorch has one operation for the sum, the root and both products.
"""

from __future__ import annotations

from types import MethodType
from typing import TYPE_CHECKING, Any

from benchbench.kit.exactness import agree, is_exact

if TYPE_CHECKING:
    from torch import Tensor

EPSILON = ("variance_epsilon", "eps")
"""The names under which norms keep e."""


def fuse_norms(model: Any, devices: tuple[str, ...] = ("cuda",)) -> int:
    """Replace the `forward` of every norm of that form that is on such a device; return how many.

    A norm that gives other numbers, because it adds one to w or has no w, stays as it is.
    """
    norms = [
        module
        for module in model.modules()
        if type(module).__name__.endswith("RMSNorm")
        and getattr(module, "weight", None) is not None
        and module.weight.device.type in devices
        and any(hasattr(module, name) for name in EPSILON)
    ]
    if not norms or not is_exact(model, lambda: all(map(_agrees, norms))):
        return 0
    for norm in norms:
        norm.forward = MethodType(_forward, norm)
    return len(norms)


def _forward(norm: Any, hidden_states: Tensor) -> Tensor:
    """Take the place of a norm's `forward`: compute the formula above in one operation."""
    import torch

    weight = norm.weight
    if weight.dtype != hidden_states.dtype:
        plain: Tensor = type(norm).forward(norm, hidden_states)
        return plain
    epsilon = next(getattr(norm, name) for name in EPSILON if hasattr(norm, name))
    # autocast would compute it in float32, and leave it so
    with torch.autocast(hidden_states.device.type, enabled=False):
        return torch.nn.functional.rms_norm(hidden_states, weight.shape, weight, epsilon)


def _agrees(norm: Any) -> bool:
    """Say whether two tokens have the values and the gradients of transformers' way."""
    import torch

    weight = norm.weight
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randn(2, 2, weight.shape[0], generator=generator).to(weight)
    found = []
    for forward in (type(norm).forward, _forward):
        given = tokens[0].clone().requires_grad_()
        with torch.enable_grad():
            result = forward(norm, given)
            [gradient] = torch.autograd.grad((result * tokens[1]).sum(), [given])
        found.append((result.detach(), gradient))
    return all(agree(fused, plain) for plain, fused in zip(*found, strict=True))

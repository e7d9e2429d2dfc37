"""The output head in float32: 16-bit logits would round every log-probability.

    state and weights in bfloat16         8 bits of precision each, products exact in float32
    logits in bfloat16, around 20         steps of 0.125 nats
    logits in float32                     steps of 0.000002 nats

A float32 copy of a whole head can be larger than the rest of a quantised model. So the head's rows
are converted in chunks, in the backward pass again, and no copy is kept.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS_AT_ONCE = 2**25
"""The most weights of a head that are converted at once (128 MiB in float32)."""


def head_in_float32(head: Any, states: Tensor) -> Tensor:
    """Return float32 logits [..., vocabulary] for final hidden states [..., width].

    A head that is not an ordinary frozen matrix in 16 bits computes as it is, and its logits are
    converted. Gradients flow to the states.
    """
    if not _is_narrow(head):
        return head(states).float()  # type: ignore[no-any-return]
    return _narrow_head_logits(head, states)


@contextmanager
def float32_head(model: Any) -> Iterator[None]:
    """Replace the `forward` of the model's output head: its logits are computed in float32."""
    head = model.get_output_embeddings()
    if not _is_narrow(head):
        yield
        return
    earlier = vars(head).get("forward")
    head.forward = partial(_narrow_head_logits, head)
    try:
        yield
    finally:
        del head.forward
        if earlier is not None:
            head.forward = earlier


def _is_narrow(head: Any) -> bool:
    """Say whether a head is an ordinary matrix in 16 bits that gets no gradient here."""
    import torch

    if type(head) is not torch.nn.Linear or head.weight.dtype.itemsize != 2:
        return False
    return not (head.weight.requires_grad and torch.is_grad_enabled())


def _narrow_head_logits(head: Any, states: Tensor) -> Tensor:
    import torch

    with torch.autocast(states.device.type, enabled=False):
        logits: Tensor = _product().apply(states.float(), head.weight)
        return logits if head.bias is None else logits + head.bias.float()


@functools.cache
def _product() -> Any:
    """Return the autograd function; it is made late because importing torch is slow."""
    import torch

    class FloatProduct(torch.autograd.Function):
        """Product of float32 states and the transpose of 16-bit weights, without a float32 copy."""

        @staticmethod
        def forward(context: Any, states: Tensor, weight: Tensor) -> Tensor:
            """Return states @ weight.T."""
            context.save_for_backward(weight)
            return torch.cat([states @ rows.float().T for rows in _chunks(weight)], dim=-1)

        @staticmethod
        def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
            """Return the gradient of the states: gradient @ weight."""
            (weight,) = context.saved_tensors
            chunks = _chunks(weight)
            parts = torch.split(gradient, [len(rows) for rows in chunks], dim=-1)
            products = [part @ rows.float() for part, rows in zip(parts, chunks, strict=True)]
            return functools.reduce(torch.add, products), None

    return FloatProduct


def _chunks(weight: Tensor) -> tuple[Tensor, ...]:
    rows = max(1, WEIGHTS_AT_ONCE // weight.shape[1])
    return tuple(weight[at : at + rows] for at in range(0, len(weight), rows))

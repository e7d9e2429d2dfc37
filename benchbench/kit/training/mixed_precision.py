"""The precision that a model computes in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchbench.contract import LoadedModel


@contextmanager
def autocast(loaded: LoadedModel) -> Iterator[None]:
    """Let `loaded` compute in its precision: mixed precision for a 16-bit dtype."""
    import torch

    dtype = getattr(torch, loaded.facts["dtype"])
    if dtype == torch.float32:
        yield
        return
    device = torch.device(loaded.facts["device"]).type
    with torch.autocast(device, dtype), _attention_for_any_length(device):
        yield


def _attention_for_any_length(device: str) -> AbstractContextManager[Any]:
    """Return the context in which a GPU computes attention without cuDNN.

    cuDNN makes a plan for each new shape, which takes longer than a step. Batches of documents have
    a new length almost every time.
    """
    if device != "cuda":
        return nullcontext()
    from torch.nn.attention import SDPBackend, sdpa_kernel

    return sdpa_kernel(
        [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
    )

"""The precision that a model computes in."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchbench.contract import LoadedModel


def autocast(loaded: LoadedModel) -> AbstractContextManager[Any]:
    """Return the context in which `loaded` computes: mixed precision for a 16-bit dtype."""
    import torch

    dtype = getattr(torch, loaded.facts["dtype"])
    if dtype == torch.float32:
        return nullcontext()
    device = torch.device(loaded.facts["device"]).type
    if device == "cuda":
        # For each new shape cuDNN plans its attention, which takes longer than a step, and batches
        # of documents have a new length almost every time. It is left out for the whole process:
        # layers that are computed again in the backward pass are outside of any context.
        torch.backends.cuda.enable_cudnn_sdp(False)
    return torch.autocast(device, dtype)

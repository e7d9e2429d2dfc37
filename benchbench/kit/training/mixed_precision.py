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
    return torch.autocast(torch.device(loaded.facts["device"]).type, dtype)

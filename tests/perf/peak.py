"""The most memory that a process has held; needs nothing but what every peer has."""

from __future__ import annotations

import resource


def peak_mb(device: str) -> float:
    """Return MiB: of the GPU as PyTorch allocated it, or of the process."""
    if device == "cuda":
        import torch

        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

"""Whether a model that was changed to compute less still gives what it gave before."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from benchbench.kit.float32_model import in_float32
from benchbench.machine import is_device_error

if TYPE_CHECKING:
    from torch import Tensor

ANOTHER_BUILD = (AttributeError, IndexError, KeyError, TypeError, ValueError, RuntimeError)
"""What a model raises that is built in another way than a change expects."""
TOLERANCE = 1e-4
"""How far states may differ from those of the plain way, as a share of the largest."""
COARSE_TOLERANCE = 0.05
"""The same where a model cannot be computed in float32."""


def is_exact(model: Any, agrees: Callable[[], bool]) -> bool:
    """Return what `agrees` says of the model, computed in float32 where that is possible.

    The model is in eval mode meanwhile, without gradients: dropout would make any two passes
    differ. False where the model cannot be computed in the changed way. Raises errors of the
    device, which say nothing about the model's build.
    """
    import torch

    training = model.training
    model.eval()
    try:
        with torch.no_grad(), in_float32(model):
            return agrees()
    except ANOTHER_BUILD as error:
        if is_device_error(error):
            raise
        return False
    finally:
        model.train(training)


def agree(changed: Tensor, plain: Tensor) -> bool:
    """Say whether states agree within rounding, which is coarse where they stay in 16 bits."""
    import torch

    share = TOLERANCE if plain.dtype == torch.float32 else COARSE_TOLERANCE
    largest = float(plain.abs().max())
    return changed.shape == plain.shape and float((changed - plain).abs().max()) <= share * largest

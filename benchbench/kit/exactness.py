"""Whether a model that was changed to compute less still gives what it gave before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchbench.kit.float32_model import in_float32
from benchbench.machine import is_device_error

ANOTHER_BUILD = (AttributeError, IndexError, KeyError, TypeError, ValueError, RuntimeError)
"""What a model raises that is built in another way than a change expects."""


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

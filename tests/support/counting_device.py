"""A device that computes nothing, and counts how often a program would wait for it.

PyTorch's meta tensors have shapes and no values, so they can stand for a GPU's. The host waits for
a GPU wherever it needs a value of it, and where it copies memory that is not pinned. Where values
decide about shapes (`nonzero`, a boolean index), meta tensors raise an error of their own.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

DEVICE = "meta"
MADE = (torch.tensor, torch.as_tensor, torch.Tensor.new_tensor)
INDEXED = (torch.Tensor.__getitem__, torch.Tensor.__setitem__)
aten = torch.ops.aten


@contextmanager
def counted_waits() -> Iterator[list[str]]:
    """Yield a list that says, for each time the device is waited for inside, why."""
    waits: list[str] = []
    with _Functions(waits), _Operations(waits):
        yield waits


def _place() -> str:
    """Return the file and the line that called PyTorch."""
    calls = [
        call
        for call in traceback.extract_stack()
        if "/torch/" not in call.filename and call.filename != __file__
    ]
    return f"{Path(calls[-1].filename).name}:{calls[-1].lineno}"


class _Operations(TorchDispatchMode):
    """Counts copies and values that are read; refuses host and device in one operation."""

    def __init__(self, waits: list[str]) -> None:
        super().__init__()
        self.waits = waits

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is aten._local_scalar_dense.default and args[0].is_meta:
            self.waits.append(f"a value is read: {_place()}")
            return torch.ones((), dtype=args[0].dtype).item()
        if func is aten._to_copy.default:
            return self._copied(func, args, kwargs)
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        if len({tensor.is_meta for tensor in tensors if tensor.dim()}) > 1:
            raise RuntimeError(f"{func}: tensors of the host and of the device")
        return func(*args, **kwargs)

    def _copied(self, func: Any, args: Any, kwargs: Any) -> Any:
        source = args[0]
        target = torch.device(kwargs.get("device") or source.device)
        if source.is_meta and target.type != DEVICE:
            self.waits.append(f"a tensor is copied to the host: {_place()}")
            return torch.ones(source.shape, dtype=kwargs.get("dtype") or source.dtype)
        if not source.is_meta and target.type == DEVICE and not kwargs.get("non_blocking"):
            self.waits.append(f"a tensor is copied from the host: {_place()}")
        return func(*args, **kwargs)


class _Functions(TorchFunctionMode):
    """Counts what PyTorch makes of Python's numbers before any operation: it copies, and waits."""

    def __init__(self, waits: list[str]) -> None:
        super().__init__()
        self.waits = waits

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        made = (
            func in MADE and result.is_meta and result.numel()
        )  # nothing is copied without a wait
        if made and not isinstance(args[-1], torch.Tensor):
            self.waits.append(f"numbers become a tensor of the device: {_place()}")
        if func in INDEXED and args[0].is_meta:
            index = args[1] if isinstance(args[1], tuple) else (args[1],)
            if any(isinstance(part, list | range) for part in index):
                self.waits.append(f"a list becomes an index on the device: {_place()}")
        return result

"""Errors of a device, told from errors of the program: PyTorch raises both as RuntimeError."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator

OUT_OF_MEMORY = re.compile(
    r"out of memory|can't allocate memory|not enough memory|\w+_STATUS_ALLOC_FAILED"
    r"|_ALLOCATION_FAILED|cudaErrorMemoryAllocation|hipErrorOutOfMemory|std::bad_alloc"
    r"|cannot allocate memory",
    re.IGNORECASE,
)
DEVICE = re.compile(
    r"\b(CUDA|CUBLAS|CUDNN|CUSPARSE|CUSOLVER|NCCL|HIP)(_STATUS| error)", re.IGNORECASE
)


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether memory ran out, on a GPU or on a CPU.

    >>> is_out_of_memory(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling ..."))
    True
    """
    for one in _causes(error):
        if isinstance(one, MemoryError) or type(one).__name__ == "OutOfMemoryError":
            return True
        if isinstance(one, OSError) and one.errno == errno.ENOMEM:
            return True
        if isinstance(one, RuntimeError) and OUT_OF_MEMORY.search(str(one)):
            return True
    return False


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, and those that it was raised from or while they were being handled."""
    one: BaseException | None = error
    seen: set[int] = set()
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def is_device_error(error: BaseException) -> bool:
    """Say whether the device failed, rather than the model or its inputs.

    >>> is_device_error(RuntimeError("The size of tensor a (4) must match the size of tensor b"))
    False
    """
    if is_out_of_memory(error) or type(error).__name__ == "AcceleratorError":
        return True
    return isinstance(error, RuntimeError) and bool(DEVICE.search(str(error)))

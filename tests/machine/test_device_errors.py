"""Errors of a device are told from errors of a program by what PyTorch says."""

from __future__ import annotations

import errno

import pytest

from benchbench.machine import is_device_error, is_out_of_memory
from benchbench.running.outcome import explain

FULL = [
    MemoryError(),
    RuntimeError("CUDA error: out of memory"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:114] DefaultCPUAllocator: can't allocate memory"),
]
FULL += [
    RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED"),
    RuntimeError("cudaErrorMemoryAllocation: out of device memory"),
    RuntimeError("CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
    RuntimeError("hipErrorOutOfMemory"),
    RuntimeError("std::bad_alloc"),
    RuntimeError("HIP out of memory. Tried to allocate 2.00 GiB"),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
]
BROKEN = [
    RuntimeError("CUDA error: device-side assert triggered"),
    RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
]
OURS = [
    RuntimeError("The size of tensor a (4) must match the size of tensor b (5)"),
    ValueError("CUDA error: said by a program"),
    OSError(errno.ENOSPC, "No space left on device"),
]


@pytest.mark.parametrize("error", FULL, ids=str)
def test_memory_that_ran_out_is_known_by_whatever_name(error):
    assert is_out_of_memory(error)
    assert is_device_error(error)
    assert explain(error)[0] == "oom"


def test_what_an_error_was_raised_from_counts():
    try:
        try:
            raise MemoryError
        except MemoryError as error:
            raise ValueError("the tensors cannot be read") from error
    except ValueError as error:
        assert is_out_of_memory(error)


@pytest.mark.parametrize("hidden", [False, True])
def test_what_was_being_handled_counts_unless_it_is_hidden(hidden):
    try:
        try:
            raise MemoryError
        except MemoryError:
            if hidden:
                raise ValueError("of another kind") from None
            raise ValueError("while it was handled")  # noqa: B904
    except ValueError as error:
        assert is_out_of_memory(error) is not hidden


@pytest.mark.parametrize("error", BROKEN, ids=str)
def test_a_device_that_fails_is_no_lack_of_memory(error):
    assert is_device_error(error)
    assert not is_out_of_memory(error)
    assert explain(error)[0] == "failed"


@pytest.mark.parametrize("error", OURS, ids=str)
def test_an_error_of_the_program_is_none_of_the_device(error):
    assert not is_device_error(error)

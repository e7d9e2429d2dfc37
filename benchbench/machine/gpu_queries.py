"""Three ways to ask which NVIDIA GPUs there are, none of which starts CUDA in this process.

nvidia-smi      the driver's own tool; on WSL it lies beside the driver's libraries
NVML            the driver's library, where a container has no nvidia-smi
torch           in a process of its own, where neither can be found
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

WSL = Path("/usr/lib/wsl/lib")
SECONDS = 60
QUERY = "name,compute_cap,memory.total,uuid"
NVML = "libnvidia-ml.so.1"
ASK_TORCH = (
    "import json, torch; print(json.dumps([[p.name, p.major, p.minor, p.total_memory >> 20, "
    "str(getattr(p, 'uuid', ''))] for p in map(torch.cuda.get_device_properties, "
    "range(torch.cuda.device_count()))]))"
)


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU by its name and compute capability, its memory in MiB and its UUID where known."""

    name: str
    capability: tuple[int, int]
    memory_mib: int | None
    uuid: str = ""


class NoAnswer(Exception):
    """A way of asking gave no answer; its message says why."""


def by_nvidia_smi(visible: Sequence[str]) -> list[Gpu]:
    """Ask nvidia-smi for the GPUs with these indices or UUIDs, for all of them where none is given.

    Raises NoAnswer.
    """
    path = os.pathsep.join(filter(None, [os.environ.get("PATH"), str(WSL)]))
    command = ["nvidia-smi", f"--query-gpu={QUERY}", "--format=csv,noheader,nounits"]
    command += ["-i", ",".join(visible)] if visible else []
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS, check=True,
            env={**os.environ, "PATH": path},
        )  # fmt: skip
    except subprocess.CalledProcessError as error:
        said = " ".join((error.stdout + error.stderr).split())
        raise NoAnswer(f"nvidia-smi ended with {error.returncode}: {said}") from error
    except (OSError, subprocess.SubprocessError) as error:
        raise NoAnswer(f"nvidia-smi: {error}") from error
    lines = [line.strip() for line in answer.stdout.splitlines() if line.strip()]
    found = [gpu for line in lines if (gpu := _of_line(line)) is not None]
    if not found:
        raise NoAnswer(f"nvidia-smi says '{lines[0]}'" if lines else "nvidia-smi names no GPU")
    return found


def by_nvml(visible: Sequence[str]) -> list[Gpu]:
    """Ask the driver's library, as `by_nvidia_smi` does."""
    try:
        return _by_library(_loaded(NVML), visible)
    except (OSError, AttributeError, UnicodeError) as error:  # an older one lacks some functions
        raise NoAnswer(f"NVML: {error}") from error


def _by_library(library: ctypes.CDLL, visible: Sequence[str]) -> list[Gpu]:
    _call(library.nvmlInit_v2)
    try:
        if visible:
            handles = [_handle_of(library, name) for name in visible]
        else:
            count = ctypes.c_uint()
            _call(library.nvmlDeviceGetCount_v2, ctypes.byref(count))
            handles = [_handle_of(library, str(index)) for index in range(count.value)]
        if not handles:
            raise NoAnswer("NVML names no GPU")
        return [_of_handle(library, handle) for handle in handles]
    finally:
        library.nvmlShutdown()


def by_torch(visible: Sequence[str]) -> list[Gpu]:
    """Ask torch in a process of its own, which sees what CUDA_VISIBLE_DEVICES lets it see."""
    command = [sys.executable, "-c", ASK_TORCH]
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS, check=True
        )
        rows = json.loads(answer.stdout.splitlines()[-1])
        found = [
            Gpu(name, (major, minor), mib, uuid and f"GPU-{uuid}")
            for name, major, minor, mib, uuid in rows
        ]
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines() or ["without a word"]
        raise NoAnswer(f"torch: {lines[-1]}") from error
    except (OSError, subprocess.SubprocessError, ValueError, IndexError, TypeError) as error:
        raise NoAnswer(f"torch: {error}") from error
    if not found:
        raise NoAnswer("torch sees no GPU")
    return found


WAYS: tuple[Callable[[Sequence[str]], list[Gpu]], ...] = (by_nvidia_smi, by_nvml, by_torch)


def _of_line(line: str) -> Gpu | None:
    """Return the GPU of a line of nvidia-smi, None where it is not described.

    A name may hold commas.
    """
    try:
        name, capability, memory, uuid = line.rsplit(",", 3)
        major, minor = map(int, capability.split("."))
    except ValueError:
        return None
    mib = int(memory) if memory.strip().isdecimal() else None  # not reported for a part of a GPU
    return Gpu(name.strip(), (major, minor), mib, _uuid(uuid))


def _uuid(text: str) -> str:
    """Return a UUID as CUDA_VISIBLE_DEVICES takes it, "" where it is none."""
    return text.strip() if re.match(r"\s*(GPU|MIG)-", text) else ""


def _loaded(name: str) -> ctypes.CDLL:
    """Return a library of the driver, from where the loader or WSL has it; raise OSError."""
    try:
        return ctypes.CDLL(name)
    except OSError:
        return ctypes.CDLL(str(WSL / name))


def _call(function: Callable[..., int], *arguments: object) -> None:
    if code := function(*arguments):
        raise NoAnswer(f"NVML: error {code}")


def _handle_of(library: ctypes.CDLL, name: str) -> ctypes.c_void_p:
    """Return the handle of a GPU by its index or its UUID."""
    handle = ctypes.c_void_p()
    if name.isdecimal():
        _call(library.nvmlDeviceGetHandleByIndex_v2, int(name), ctypes.byref(handle))
    else:
        _call(library.nvmlDeviceGetHandleByUUID, name.encode(), ctypes.byref(handle))
    return handle


class _Memory(ctypes.Structure):
    _fields_ = (
        ("total", ctypes.c_ulonglong),
        ("free", ctypes.c_ulonglong),
        ("used", ctypes.c_ulonglong),
    )


def _of_handle(library: ctypes.CDLL, handle: ctypes.c_void_p) -> Gpu:
    """Return what NVML says of a GPU; its memory is left out where it says nothing of it."""
    name, uuid = ctypes.create_string_buffer(96), ctypes.create_string_buffer(96)
    major, minor, memory = ctypes.c_int(), ctypes.c_int(), _Memory()
    _call(library.nvmlDeviceGetName, handle, name, len(name))
    _call(library.nvmlDeviceGetCudaComputeCapability, handle, ctypes.byref(major),
          ctypes.byref(minor))  # fmt: skip
    _call(library.nvmlDeviceGetUUID, handle, uuid, len(uuid))
    silent = library.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(memory))
    mib = None if silent else memory.total >> 20
    return Gpu(name.value.decode(), (major.value, minor.value), mib, _uuid(uuid.value.decode()))

"""The device that a run uses, found without importing torch or touching CUDA."""

from __future__ import annotations

import os
import platform
import re
import warnings
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from benchbench.contract import BenchbenchError
from benchbench.machine.gpu_queries import NVML, WAYS, WSL, Gpu, NoAnswer
from benchbench.machine.redaction import in_one_line

DEVICES = Path("/dev")
VISIBLE = "CUDA_VISIBLE_DEVICES"
"""The variable that names the GPUs that a process may use, by index or UUID."""
BF16_CAPABILITY = (8, 0)
"""The first GPUs with bfloat16 in hardware (Ampere); torch also reports emulated bfloat16."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device. `kind` is "cpu" or "cuda"; matrix products are computed in `dtype`."""

    kind: str
    name: str
    dtype: str
    memory_mib: int | None = None

    def compute_dtype(self, asked: str) -> str:
        """Return the dtype that a backbone's parameter stands for; "auto" is the device's own."""
        return self.dtype if asked == "auto" else asked


def find_device(asked: str = "auto") -> Device:
    """Return the device to use: the first visible NVIDIA GPU if torch supports CUDA, else the CPU.

    A GPU that nothing describes is left out with a warning. Raises BenchbenchError where "cuda" is
    asked for and there is no such GPU.
    """
    gpu = None if asked == "cpu" else _first_gpu(asked)
    if gpu is None and asked == "cuda":
        raise BenchbenchError(
            "--device cuda: no usable GPU was found (torch built for CUDA: "
            f"{'yes' if torch_has_cuda() else 'no'}). Use --device cpu, or install torch for CUDA."
        )
    return gpu or Device("cpu", processor_name(), "float32", main_memory_mib())


def dtype_for(capability: tuple[int, int]) -> str:
    """Return the compute dtype for a GPU: bfloat16 only where the hardware has it."""
    return "bfloat16" if capability >= BF16_CAPABILITY else "float16"


def torch_has_cuda() -> bool:
    """Say whether the installed torch was built for CUDA; only its version file is read."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return False
    version = Path(spec.origin).with_name("version.py").read_text(encoding="utf-8")
    return re.search(r"^cuda[^=]*= *['\"]", version, re.MULTILINE) is not None


def processor_name() -> str:
    """Return the name that the system has for the processor."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    match = re.search(r"^model name\s*: *(.+)$", text, re.MULTILINE)
    return match.group(1) if match else platform.machine()


def main_memory_mib() -> int | None:
    """Return the machine's main memory in MiB, None where the system does not report it."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    except (OSError, ValueError):
        return None


def share_of_cores(parallel: int) -> int:
    """Return the threads per cell when `parallel` cells share the cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, (cores or 1) // parallel)


def visible_gpus() -> list[Gpu]:
    """Return the NVIDIA GPUs that this process may use, as CUDA_VISIBLE_DEVICES has them.

    Raises NoAnswer where there are some and nothing describes them.
    """
    listed = os.environ.get(VISIBLE)
    if listed in ("", "-1", "NoDevFiles") or not torch_has_cuda() or not _has_driver():
        return []
    return list(_described(tuple(filter(None, map(str.strip, (listed or "").split(","))))))


@cache
def _described(visible: tuple[str, ...]) -> tuple[Gpu, ...]:
    """Return the GPUs with these names as the first way has them that answers; asked once."""
    reasons = []
    for ask in WAYS:
        try:
            return tuple(ask(visible))
        except NoAnswer as error:
            reasons.append(in_one_line(str(error)))
    raise NoAnswer("; ".join(reasons))


def usable_gpus() -> list[Gpu]:
    """Return the GPUs that cells may be spread over, none where nothing describes them."""
    try:
        return visible_gpus()
    except NoAnswer:
        return []


def _has_driver() -> bool:
    """Say whether the system has devices of an NVIDIA driver; WSL has one device for any GPU."""
    return any(DEVICES.glob("nvidia[0-9]*")) or (
        (DEVICES / "dxg").exists() and (WSL / NVML).exists()
    )


def _first_gpu(asked: str) -> Device | None:
    """Return the first visible GPU, None where there is none or, unless asked for, none answers."""
    try:
        gpus = visible_gpus()
    except NoAnswer as error:
        if asked == "cuda":
            raise BenchbenchError(
                f"--device cuda: this machine has a GPU, and nothing describes it ({error}). "
                "Repair the driver, or use --device cpu."
            ) from error
        warnings.warn(
            f"This machine has a GPU, and nothing describes it ({error}). The CPU is used.",
            stacklevel=2,
        )
        return None
    if not gpus:
        return None
    first = gpus[0]
    return Device("cuda", first.name, dtype_for(first.capability), first.memory_mib)

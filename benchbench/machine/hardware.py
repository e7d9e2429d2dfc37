"""The device that a run uses, found without importing torch or touching CUDA."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from benchbench.contract import BenchbenchError

DEVICES = Path("/dev")
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

    Raises BenchbenchError where "cuda" is asked for and there is no such GPU.
    """
    gpu = None if asked == "cpu" else _first_gpu()
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


def _first_gpu() -> Device | None:
    """Return the first visible GPU as nvidia-smi describes it, None where there is none."""
    if os.environ.get("CUDA_VISIBLE_DEVICES", "unset") in ("", "-1", "NoDevFiles"):
        return None
    if not torch_has_cuda() or not any(DEVICES.glob("nvidia[0-9]*")):
        return None
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").partition(",")[0]
    command = ["nvidia-smi", "--query-gpu=name,compute_cap,memory.total"]
    command += ["--format=csv,noheader,nounits", *(["-i", visible] if visible else [])]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        name, capability, memory = answer.stdout.splitlines()[0].rsplit(",", 2)
        major, minor = map(int, capability.split("."))
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        raise BenchbenchError(
            f"This machine has a GPU, but nvidia-smi does not describe it ({error}). "
            "Repair the driver, or use --device cpu."
        ) from error
    mib = int(memory) if memory.strip().isdecimal() else None  # not reported for a part of a GPU
    return Device("cuda", name.strip(), dtype_for((major, minor)), mib)

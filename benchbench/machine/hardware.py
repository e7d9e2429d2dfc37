"""Which device a run will use, found out without importing torch or touching CUDA."""

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
"""From Ampere on bfloat16 is real; torch's own check is also true where it is emulated."""


@dataclass(frozen=True, slots=True)
class Device:
    """`kind` is "cpu" or "cuda"; `dtype` is what matrix products are computed in."""

    kind: str
    name: str
    dtype: str
    memory_mib: int | None = None

    def compute_dtype(self, asked: str) -> str:
        """Return the dtype asked for of a backbone; "auto" is the device's own."""
        return self.dtype if asked == "auto" else asked


def find_device(asked: str = "auto") -> Device:
    """Return the device to use: the first visible NVIDIA GPU that torch was built for, else CPU.

    Raises BenchbenchError where "cuda" is asked for and there is none.
    """
    gpu = None if asked == "cpu" else _first_gpu()
    if gpu is None and asked == "cuda":
        raise BenchbenchError(
            "--device cuda: no usable GPU was found (torch built for CUDA: "
            f"{'yes' if torch_has_cuda() else 'no'}); use --device cpu or install torch for CUDA."
        )
    return gpu or Device("cpu", processor_name(), "float32", main_memory_mib())


def dtype_for(capability: tuple[int, int]) -> str:
    """Return the compute dtype for a GPU: bfloat16 only where the hardware has it."""
    return "bfloat16" if capability >= BF16_CAPABILITY else "float16"


def torch_has_cuda() -> bool:
    """Say whether the installed torch was built for CUDA, reading its version file alone."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return False
    version = Path(spec.origin).with_name("version.py").read_text(encoding="utf-8")
    return re.search(r"^cuda[^=]*= *['\"]", version, re.MULTILINE) is not None


def processor_name() -> str:
    """Name the processor as the system knows it."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    match = re.search(r"^model name\s*: *(.+)$", text, re.MULTILINE)
    return match.group(1) if match else platform.machine()


def main_memory_mib() -> int | None:
    """Return how much main memory the machine has, None where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    except (OSError, ValueError):
        return None


def share_of_cores(parallel: int) -> int:
    """Return the threads of a cell when the cores are shared out among `parallel` cells."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, (cores or 1) // parallel)


def _first_gpu() -> Device | None:
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
            f"A GPU is there, but nvidia-smi does not describe it ({error}); "
            "mend the driver or use --device cpu."
        ) from error
    mib = int(memory) if memory.strip().isdecimal() else None  # not told of a part of a GPU
    return Device("cuda", name.strip(), dtype_for((major, minor)), mib)

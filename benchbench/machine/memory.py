"""The peak memory of a cell, above the memory in use at its start."""

from __future__ import annotations

import contextlib
import re
import resource
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")
GROUP = Path("/proc/self/cgroup")
GROUPS = Path("/sys/fs/cgroup")
COUNTS = Path("/proc/vmstat")


class PeakMemory:
    """Notes the memory in use now; `peaks()` returns how far the process went above it."""

    def __init__(self) -> None:
        with contextlib.suppress(OSError):
            CLEAR.write_text("5")  # resets the peak, which a forked process inherits
        self._start = _resident_kib("VmRSS")

    def peaks(self) -> dict[str, int | None]:
        """Return the peak RAM in MiB above the start, and the peak GPU memory in MiB or None."""
        peak = _resident_kib("VmHWM")
        above = max(0, peak - self._start) // 1024
        return {"peak_ram_mib": above, "peak_gpu_mib": _gpu_mib()}


def out_of_memory_kills() -> int | None:
    """Return how many processes the kernel has ended for lack of memory; None if it is silent.

    Counted are those of this control group (version 2), else those of the whole machine.
    """
    counts = (_killed_in(file) for file in (_events_of_group(), COUNTS) if file is not None)
    return next((count for count in counts if count is not None), None)


def _killed_in(file: Path) -> int | None:
    try:
        match = re.search(r"^oom_kill (\d+)$", file.read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(match.group(1)) if match else None


def _events_of_group() -> Path | None:
    try:
        match = re.search(r"^0::/(.*)$", GROUP.read_text(), re.MULTILINE)
    except OSError:
        return None
    return GROUPS / match.group(1) / "memory.events" if match else None


def _resident_kib(name: str) -> int:
    try:
        match = re.search(rf"^{name}:\s+(\d+) kB", STATUS.read_text(), re.MULTILINE)
    except OSError:
        match = None
    return int(match.group(1)) if match else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _gpu_mib() -> int | None:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return None
    return int(torch.cuda.max_memory_allocated() // 2**20)

"""The GPUs, and what torch and bitsandbytes can do with them; asked in a process of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchbench.machine import gpu_queries, one_line
from benchbench.upkeep.health import Health

DRIVER = Path("/proc/driver/nvidia/version")
SECONDS = 180.0
"""How long torch may take, which reads two gigabytes of libraries on a slow disk."""
LARGEST_ERROR = 0.5
"""How far a value of a standard normal sample may be from its 4-bit form: NF4 stays far below."""
PROBE = """
import json, torch
found = {"cuda": torch.version.cuda, "usable": torch.cuda.is_available(), "devices": []}
for number in range(torch.cuda.device_count() if found["usable"] else 0):
    facts = torch.cuda.get_device_properties(number)
    found["devices"].append(f"{facts.name}, {facts.total_memory / 2**30:.0f} GiB")
try:
    from bitsandbytes.functional import dequantize_4bit, quantize_4bit
    device = "cuda" if found["usable"] else "cpu"
    weight = torch.randn(64, 64, generator=torch.Generator().manual_seed(0)).to(device)
    packed, state = quantize_4bit(weight, quant_type="nf4")
    found["error"] = float((dequantize_4bit(packed, state) - weight).abs().max())
except Exception as error:
    found["fault"] = f"{type(error).__name__}: {error}"
print(json.dumps(found))
"""


@dataclass(frozen=True, slots=True)
class TorchAnswer:
    """What torch says of itself: the CUDA it was built for, and the devices that it can use.

    `error` is how far a weight is from its 4-bit form, None where bitsandbytes failed; `fault`
    says why.
    """

    cuda: str | None = None
    usable: bool = False
    devices: Sequence[str] = ()
    error: float | None = None
    fault: str = ""


def check_devices() -> Iterator[Health]:
    """Yield how GPUs, torch and 4-bit weights are."""
    try:
        answer = ask_torch()
    except (OSError, subprocess.SubprocessError, ValueError, TypeError) as error:
        yield Health("fault", "torch", f"it does not start ({_last_line(error)})",
                     "Install torch again: pip install --force-reinstall torch.")  # fmt: skip
        return
    yield from check_gpus(cards(), driver(), answer)
    yield check_four_bits(answer)


def ask_torch() -> TorchAnswer:
    """Ask torch in a child process; raise what `subprocess` and `json` raise where it fails."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, timeout=SECONDS, check=True
    )
    return TorchAnswer(**json.loads(done.stdout.splitlines()[-1]))


def cards() -> list[str]:
    """Return the NVIDIA cards of this machine, whatever torch was built for."""
    for ask in (gpu_queries.by_nvidia_smi, gpu_queries.by_nvml):
        try:
            return [f"{gpu.name}, {(gpu.memory_mib or 0) / 1024:.0f} GiB" for gpu in ask(())]
        except gpu_queries.NoAnswer:
            continue
    return []


def driver() -> str:
    """Return the version of the NVIDIA driver, empty where there is none."""
    try:
        text = DRIVER.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    found = re.search(r"\b[0-9]+\.[0-9]+(\.[0-9]+)?\b", text)
    return found.group() if found else ""


def check_gpus(found: Sequence[str], version: str, torch: TorchAnswer) -> Iterator[Health]:
    """Yield how each GPU is; one line where there is none."""
    built = f"torch is built for CUDA {torch.cuda}" if torch.cuda else "torch is built without CUDA"
    if torch.usable:
        for device in torch.devices:
            yield Health("ok", "GPU", f"{device}, driver {version or 'unknown'}; {built}")
    elif not found and not version:
        yield Health("ok", "GPU", "none: models are computed on the CPU")
    elif torch.cuda is None:
        unused = f"{_named(found)}, but {built}, so the CPU is used"
        remedy = "Install torch for CUDA, as https://pytorch.org/get-started shows."
        yield Health("warning", "GPU", unused, remedy)
    else:
        yield Health("fault", "GPU", f"{_named(found)}, driver {version or 'unknown'}; {built}, "
                     "and cannot use it", "Install a driver for that CUDA, or set "
                     "CUDA_VISIBLE_DEVICES to a GPU that is there.")  # fmt: skip


def check_four_bits(torch: TorchAnswer) -> Health:
    """Return whether bitsandbytes can hold weights in 4 bits on the device of a run."""
    device = "the GPU" if torch.usable else "the CPU"
    remedy = "Install it again: pip install --force-reinstall bitsandbytes."
    if torch.error is None:
        return Health("fault", "4-bit weights", f"bitsandbytes failed on {device} ({torch.fault})",
                      remedy)  # fmt: skip
    if not torch.error < LARGEST_ERROR:
        found = f"bitsandbytes gives wrong values on {device} (off by {torch.error:.2g})"
        return Health("fault", "4-bit weights", found, remedy)
    return Health("ok", "4-bit weights", f"bitsandbytes holds NF4 on {device}")


def _named(found: Sequence[str]) -> str:
    return "; ".join(found) or "an NVIDIA driver is there"


def _last_line(error: Exception) -> str:
    """Return the last line that a child process has written, or the error."""
    said = getattr(error, "stderr", None)
    text = said.decode(errors="replace") if isinstance(said, bytes) else said or ""
    return text.strip().splitlines()[-1] if text.strip() else one_line(error)

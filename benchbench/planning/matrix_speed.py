"""How fast this machine multiplies matrices: measured once, in a few seconds, and cached."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from benchbench.contract import BenchbenchError
from benchbench.machine import (
    Device,
    canonical,
    digest,
    fsio,
    is_private,
    package_versions,
    wait_briefly,
)
from benchbench.planning.caches import cache_folder, open_cache

TOKENS = 512
WIDTHS = (128, 1024, 4096)
MEASURED = "fastest"
"""What of all products was measured: what another version has kept may be a mean."""
SECONDS = 0.2
"""How long each width is measured. The fastest product counts: other processes may be busy now, and
what is measured is kept."""
LIMIT_SECONDS = 60.0
"""How long a child process may take, most of which is for importing torch."""
CHILD = """
import json, sys
from benchbench.machine import Device
from benchbench.planning.matrix_speed import matrix_rates
matrix_rates(Device(**json.loads(sys.argv[1])), int(sys.argv[2]))
"""
TYPICAL_CORE, TYPICAL_GPU = 5e10, 1e14
"""Floating-point operations per second: float32 on one core, 16 bits on a data-centre GPU."""


def matrix_rates(device: Device, threads: int) -> dict[int, float]:
    """Return width -> floating-point operations per second.

    The product that is measured is [TOKENS, width] x [width, 4 width].
    """
    kept = _kept(_path(device, threads))
    if kept is not None:
        return kept
    rates = {width: _measure(device, threads, width) for width in WIDTHS}
    _keep(_path(device, threads), rates)
    return rates


def matrix_rates_of_child(
    device: Device, threads: int, limit: float = LIMIT_SECONDS
) -> dict[int, float] | None:
    """Return what `matrix_rates` does, measured by a child process; None where it gives nothing.

    So this process loads no torch and takes no memory of a GPU. The child is ended after `limit`
    seconds. What it prints is dropped: it concerns an estimate alone.
    """
    path = _path(device, threads)
    if (kept := _kept(path)) is not None:
        return kept
    wait_briefly()
    command = [sys.executable, "-c", CHILD, json.dumps(asdict(device)), str(threads)]
    with suppress(subprocess.TimeoutExpired, OSError):
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=limit,
            check=False,
            start_new_session=True,  # Ctrl-C reaches this process alone, which ends the child
        )
    return _kept(path)


def typical_rates(device: Device, threads: int) -> dict[int, float]:
    """Return usual rates for a device of this kind, which cost no measuring."""
    rate = TYPICAL_GPU if device.kind == "cuda" else TYPICAL_CORE * threads
    return dict.fromkeys(WIDTHS, rate)


def rate_for(width: int, rates: Mapping[int, float]) -> float:
    """Return the rate of the measured width that is nearest to `width`, by ratio."""
    return rates[min(rates, key=lambda measured: max(measured / width, width / measured))]


def _path(device: Device, threads: int) -> Path:
    machine = [device.kind, device.name, device.dtype, threads, dict(package_versions())]
    name = digest([*machine, MEASURED])
    return cache_folder() / "calibrations" / f"{name}.json"


def _kept(path: Path) -> dict[int, float] | None:
    """Return the rates that were measured earlier, None where there are none to trust."""
    if not is_private(cache_folder()):
        return None
    try:
        kept = json.loads(path.read_bytes())
        if kept.pop("sha256") != digest(kept):
            return None
        return {int(width): float(rate) for width, rate in kept["rates"].items()}
    except (OSError, ValueError, AttributeError, TypeError, KeyError):
        return None


def _keep(path: Path, rates: dict[int, float]) -> None:
    """Write the rates. If the cache cannot be written, the next plan measures again."""
    content = {"rates": {str(width): rate for width, rate in rates.items()}}
    try:
        open_cache()
        fsio.make_folder(path.parent)
        fsio.replace(path, canonical({**content, "sha256": digest(content)}))
    except BenchbenchError:
        return


def _measure(device: Device, threads: int, width: int) -> float:
    """Return the operations per second of the fastest product; the first one is not counted."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        dtype = getattr(torch, device.dtype)
        left = torch.randn(TOKENS, width, device=device.kind, dtype=dtype)
        right = torch.randn(width, 4 * width, device=device.kind, dtype=dtype)
        _finished(left @ right)
        fastest, end = math.inf, time.perf_counter() + SECONDS
        while (start := time.perf_counter()) < end:
            _finished(left @ right)
            fastest = min(fastest, time.perf_counter() - start)
    finally:
        torch.set_num_threads(before)
    return 2 * TOKENS * width * 4 * width / fastest


def _finished(product: object) -> None:
    """Wait until a GPU has computed the product."""
    import torch

    if getattr(product, "is_cuda", False):
        torch.cuda.synchronize()

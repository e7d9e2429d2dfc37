"""How fast this machine multiplies matrices: measured once in under a second, then kept."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

from benchbench.contract import BenchbenchError
from benchbench.machine import Device, digest, fsio, package_versions
from benchbench.planning.preparation import cache_folder

TOKENS = 512
WIDTHS = (128, 1024, 4096)
SECONDS = 0.2
"""How long each width is measured, after one product that is not counted."""


def matrix_rates(device: Device, threads: int) -> dict[int, float]:
    """Return width -> floating-point operations a second of [tokens, width] x [width, 4 width]."""
    name = digest([device.kind, device.name, device.dtype, threads, dict(package_versions())])
    path = cache_folder() / "calibrations" / f"{name}.json"
    try:
        return {int(width): float(rate) for width, rate in json.loads(path.read_text()).items()}
    except (OSError, ValueError, AttributeError, TypeError):
        rates = {width: _measure(device, threads, width) for width in WIDTHS}
        _keep(path, rates)
        return rates


def rate_for(width: int, rates: Mapping[int, float]) -> float:
    """Return the rate of the width that is nearest, by ratio."""
    return rates[min(rates, key=lambda known: max(known / width, width / known))]


def _keep(path: Path, rates: dict[int, float]) -> None:
    """Write the rates; a cache that cannot be written costs the next plan a second."""
    try:
        fsio.make_folder(path.parent)
        fsio.replace(path, json.dumps(rates).encode())
    except BenchbenchError:
        return


def _measure(device: Device, threads: int, width: int) -> float:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        dtype = getattr(torch, device.dtype)
        left = torch.randn(TOKENS, width, device=device.kind, dtype=dtype)
        right = torch.randn(width, 4 * width, device=device.kind, dtype=dtype)
        _finished(left @ right)
        products, start = 0, time.perf_counter()
        while (spent := time.perf_counter() - start) < SECONDS:
            _finished(left @ right)
            products += 1
    finally:
        torch.set_num_threads(before)
    return products * 2 * TOKENS * width * 4 * width / spent


def _finished(product: object) -> None:
    """Wait until a GPU has computed it."""
    import torch

    if getattr(product, "is_cuda", False):
        torch.cuda.synchronize()

"""How fast this machine multiplies matrices: measured once, in under a second, and cached."""

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
"""How long each width is measured. The first product is not counted."""


def matrix_rates(device: Device, threads: int) -> dict[int, float]:
    """Return width -> floating-point operations per second.

    The product that is measured is [TOKENS, width] x [width, 4 width].
    """
    name = digest([device.kind, device.name, device.dtype, threads, dict(package_versions())])
    path = cache_folder() / "calibrations" / f"{name}.json"
    try:
        return {int(width): float(rate) for width, rate in json.loads(path.read_text()).items()}
    except (OSError, ValueError, AttributeError, TypeError):
        rates = {width: _measure(device, threads, width) for width in WIDTHS}
        _keep(path, rates)
        return rates


def rate_for(width: int, rates: Mapping[int, float]) -> float:
    """Return the rate of the measured width that is nearest to `width`, by ratio."""
    return rates[min(rates, key=lambda measured: max(measured / width, width / measured))]


def _keep(path: Path, rates: dict[int, float]) -> None:
    """Write the rates. If the cache cannot be written, the next plan measures again."""
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
    """Wait until a GPU has computed the product."""
    import torch

    if getattr(product, "is_cuda", False):
        torch.cuda.synchronize()

"""Disk, memory and network: the surroundings of a run."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from benchbench.machine import fsio
from benchbench.upkeep.health import Health

GIB = 2**30
LITTLE_DISK, TOO_LITTLE_DISK = 5 * GIB, GIB // 4
LITTLE_MEMORY = 2 * GIB
MEMORY = Path("/proc/meminfo")
HUB = "https://huggingface.co"
HUB_SECONDS = 5.0


def check_disk(about: str, folder: Path) -> Health:
    """Return how much of a disk is free where a folder is, or will be."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        return Health("fault", about, f"{there} cannot be written to",
                      "Change its permissions, or name another folder.")  # fmt: skip
    try:
        free = shutil.disk_usage(there).free
    except OSError as error:
        return Health("warning", about, f"the disk of {there} says nothing "
                      f"({fsio.reason_of(error)})", "Look at that disk.")  # fmt: skip
    found = f"{free / GIB:,.1f} GiB free in {there}"
    remedy = "Free space ('benchbench clean' shows what can go), or name another folder."
    if free < TOO_LITTLE_DISK:
        return Health("fault", about, found, remedy)
    return Health("warning", about, found, remedy) if free < LITTLE_DISK else Health(
        "ok", about, found
    )  # fmt: skip


def check_memory(path: Path = MEMORY) -> Iterator[Health]:
    """Yield how much main memory is available; nothing where the system does not say."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return
    sizes = {name: int(kib) << 10 for name, kib in re.findall(r"^(\w+): +(\d+) kB", text, re.M)}
    if {"MemTotal", "MemAvailable"} <= set(sizes):
        available, total = sizes["MemAvailable"], sizes["MemTotal"]
        found = f"{available / GIB:,.1f} of {total / GIB:,.1f} GiB available"
        if available < LITTLE_MEMORY:
            remedy = "Close other programs. 'benchbench plan' shows what cells need."
            yield Health("warning", "memory", found, remedy)
        else:
            yield Health("ok", "memory", found)


def check_hub(address: str | None = None, seconds: float = HUB_SECONDS) -> Health:
    """Return whether the Hugging Face hub answers; HF_ENDPOINT names another one."""
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    address = address or os.environ.get("HF_ENDPOINT") or HUB
    try:
        with urlopen(Request(address, method="HEAD"), timeout=seconds):
            return Health("ok", "hub", f"{address} answers")
    except HTTPError as error:
        if error.code < 500:
            return Health("ok", "hub", f"{address} answers")
        reason = f"it answers with {error.code}"
    except (OSError, HTTPException, ValueError) as error:
        reason = str(getattr(error, "reason", error))
    return Health("warning", "hub", f"{address} cannot be reached ({' '.join(reason.split())})",
                  "Models and datasets must be on this machine: give --offline and local "
                  "folders.")  # fmt: skip

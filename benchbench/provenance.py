"""Where and with what a record was made: told to the reader, never part of a key."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from benchbench.hardware import Device
from benchbench.identity import package_versions
from benchbench.plugins import Plugin
from benchbench.types import Json


def provenance(device: Device, threads: int, plugins: Iterable[Plugin]) -> Json:
    """Return versions, hardware, threads, git commit and plugins. No host or user name."""
    return {
        "benchbench": _own_version(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "device": device.name,
        "cores": os.cpu_count(),
        "threads": threads,
        "packages": dict(package_versions()),
        "plugins": {p.name: f"{p.distribution} {p.version}" for p in plugins},
        "git_commit": git_commit(),
    }


@cache
def git_commit() -> str | None:
    """Return the commit of benchbench's own source tree, with '+changes', or None."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return None
    try:
        commit = _git(root, "rev-parse", "HEAD")
        return commit + ("+changes" if _git(root, "status", "--porcelain") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(root: Path, *words: str) -> str:
    command = ["git", "-C", str(root), *words]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    return answer.stdout.strip()


def _own_version() -> str:
    from benchbench import __version__

    return __version__

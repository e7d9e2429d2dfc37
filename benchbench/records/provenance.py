"""Where and with what a record was made: shown to readers, and not part of a key."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path

from benchbench.contract import Json
from benchbench.machine import Device, package_versions


def provenance_of(device: Device, threads: int, plugins: Mapping[str, str]) -> Json:
    """Return versions, hardware, threads, git commit and plugins, without host or user name.

    `plugins` maps the name of each plugin to its distribution and version.
    """
    return {
        "benchbench": version("benchbench"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "device": device.name,
        "cores": os.cpu_count(),
        "threads": threads,
        "packages": dict(package_versions()),
        "plugins": dict(plugins),
        "git_commit": git_commit(),
    }


@cache
def git_commit() -> str | None:
    """Return the commit of benchbench's source tree, with "+changes" if there are any, or None."""
    root = Path(__file__).resolve().parent.parent.parent
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

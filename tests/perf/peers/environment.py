"""Virtual environments for the peers, made once from PyPI and kept in the cache folder."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchbench.machine import WAITING

ROOT = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get("BENCHBENCH_SHARED", ROOT.parent / "shared"))
SAME = ("torch", "transformers", "peft", "bitsandbytes", "accelerate", "datasets", "numpy")
"""Packages that a peer and we must have in one version, or the versions would be compared."""


def python_of(peer: str, requirements: Sequence[str]) -> Path:
    """Return the interpreter of the peer's environment, made at the first call (minutes).

    What benchbench itself computes with is installed in the versions of constraints.txt. Where
    `BENCHBENCH_PEERS=here`, for a machine without a network, it is the current interpreter, which
    then has to have the peer.
    """
    if os.environ.get("BENCHBENCH_PEERS") == "here":
        return Path(sys.executable)
    same = [line for line in constraints() if line.partition("==")[0] in SAME]
    wanted = [*same, *requirements]
    digest = hashlib.sha256(json.dumps(wanted).encode()).hexdigest()[:12]
    folder = peers_folder() / f"{peer}-{digest}"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        print(f"Making the environment of {peer} in {folder} ...", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted], check=True)
        (folder / "ready").touch()
    return python


def peers_folder() -> Path:
    """Return where the environments are kept."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "benchbench-peers"


def constraints() -> list[str]:
    """Return the lines of constraints.txt that name a version."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if "==" in line]


def run(python: Path | str, script: Path, settings: Mapping[str, Any], threads: int = 2) -> Any:
    """Run a script that takes its settings as JSON and prints its result as the last line."""
    environment = os.environ | {
        "OMP_NUM_THREADS": str(threads),
        **WAITING,  # so that a busy machine slows nobody down more than it must
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    done = subprocess.run(
        [python, script, json.dumps(dict(settings))],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"{script.name} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])

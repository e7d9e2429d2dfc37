"""Running the command line as a user does, with the plugins of strangers installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    """The environment of a command: strangers' plugins on the path, a cache of its own."""
    folders = [str(HERE / "thirdparty"), str(HERE / "support" / "faulty")]
    path = os.pathsep.join([*folders, *filter(None, [os.environ.get("PYTHONPATH")])])
    keep = {name: value for name, value in os.environ.items() if not name.startswith("COV_")}
    return {**keep, "PYTHONPATH": path, "BENCHBENCH_CACHE": str(tmp_path / "cache"), **more}


def benchbench(
    tmp_path: Path, *words: str | Path, code: int | None = 0, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run `benchbench` in `tmp_path` and check its exit code."""
    command = [sys.executable, "-m", "benchbench", *map(str, words)]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(tmp_path, **more), capture_output=True, text=True,
        timeout=300,
    )  # fmt: skip
    if code is not None:
        assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    return done

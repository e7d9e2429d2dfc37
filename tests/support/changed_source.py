"""A copy of the source with one file changed, to show what a change in one place reaches."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run_with_changed_file(
    folder: Path, file: str, old: str, new: str, script: str, *arguments: str | Path
) -> str:
    """Run Python code in a process whose `benchbench` differs in one file; return what it prints.

    In `file`, a path from the repository's root, the text `old`, which must occur once, becomes
    `new`. The copy lies in `folder`.
    """
    skipped = shutil.ignore_patterns("__pycache__", "models")
    for name in ("benchbench", "plugins"):
        shutil.copytree(ROOT / name, folder / name, ignore=skipped)
    text = (folder / file).read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{file} has {old!r} {text.count(old)} times"
    (folder / file).write_text(text.replace(old, new), encoding="utf-8")
    paths = os.pathsep.join(map(str, (folder, folder / "plugins", ROOT)))
    where = f"import benchbench; assert benchbench.__file__.startswith(r'{folder}')\n"
    finished = subprocess.run(
        [sys.executable, "-c", where + script, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": paths},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout

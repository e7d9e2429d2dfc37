"""Keeps secrets and the user's name out of records, logs and messages."""

from __future__ import annotations

import os
import re
from pathlib import Path

TOKEN_SHAPES = re.compile(r"\b(?:hf|sk|ghp|gho|glpat|xox[abp])[-_][A-Za-z0-9_\-]{8,}")
SECRET_NAMES = re.compile(r"TOKEN|KEY|SECRET|PASSWORD", re.IGNORECASE)
SHORTEST = 8
"""Shorter values of such variables are words like 'true'; they are left in the text."""


def redact(text: str) -> str:
    """Return `text` without tokens and without the secrets of this process's environment.

    The user's home is written as ~: records are published, and the home's path holds a name.
    """
    # the longest first, since one secret may begin with another
    for name, value in sorted(os.environ.items(), key=lambda item: -len(item[1])):
        if SECRET_NAMES.search(name) and len(value) >= SHORTEST:
            text = text.replace(value, f"[{name}]")
    home = Path("~").expanduser()
    if len(home.parts) > 1:
        text = text.replace(f"{home}{os.sep}", f"~{os.sep}")
    return TOKEN_SHAPES.sub("[redacted]", text)


def one_line(error: BaseException) -> str:
    """Return an exception as one line without secrets: its type and its message."""
    message = " ".join(str(error).split())
    name = type(error).__name__
    return redact(f"{name}: {message}" if message else name)

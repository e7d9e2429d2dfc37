"""Keeps secrets and the user's name out of records, logs and messages."""

from __future__ import annotations

import os
import re
from pathlib import Path

TOKEN_SHAPES = re.compile(r"\b(?:hf|sk|ghp|gho|glpat|xox[abp])[-_][A-Za-z0-9_\-]{8,}")
SECRET_NAMES = re.compile(r"TOKEN|KEY|SECRET|PASSWORD", re.IGNORECASE)
SHORTEST = 8
"""Shorter values of such variables are words like 'true'; they are left in the text."""

LONGEST_REASON, LONGEST_TRACEBACK = 500, 2**16
"""The most characters of a reason, which is a line of a table, and of a traceback in a record."""
LEFT_OUT = " [...] "


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
    """Return an exception as one short line without secrets: its type and its message."""
    message = str(error)
    name = type(error).__name__
    return in_one_line(f"{name}: {message}" if message else name)


def in_one_line(text: str) -> str:
    """Return a text as one line of at most 500 characters without secrets."""
    return shortened(" ".join(redact(text).split()), LONGEST_REASON)


def shortened(text: str, most: int) -> str:
    """Return a text of at most `most` characters: where it is longer, its middle is left out.

    >>> shortened("a long message that ends with the cause", 20)
    'a long [...] e cause'
    """
    if len(text) <= most:
        return text
    kept = most - len(LEFT_OUT)
    return text[: kept - kept // 2] + LEFT_OUT + text[len(text) - kept // 2 :]

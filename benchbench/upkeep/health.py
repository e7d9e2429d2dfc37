"""One line of an examination: how something is, what was found, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "fault"]


@dataclass(frozen=True, slots=True)
class Health:
    """How one thing is. `remedy` says what to do; it is empty where all is well."""

    level: Level
    about: str
    found: str
    remedy: str = ""

"""What an annotation says about a stored value besides its type: `Annotated[int, Rule(...)]`.

Rules are checked where a document is read, because a document may come from anybody.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

LONGEST_TEXT = 100_000
"""The most characters of a text that a document may hold."""
LARGEST_INTEGER = 2**63 - 1
LARGEST_FLOAT = 1e100
"""The bound of a number: sums, squares and ratios of some thousands of these are finite."""
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition on a stored value, and the words for it that follow "expected"."""

    expected: str
    holds: Callable[[Any], object]


def is_storable(value: str | int | float | bool) -> bool:
    """Say whether a document may hold a value."""
    if isinstance(value, str):
        return len(value) <= LONGEST_TEXT
    return abs(value) <= (LARGEST_FLOAT if isinstance(value, float) else LARGEST_INTEGER)


Sha256 = Annotated[str, Rule("a sha256 of 64 lowercase hexadecimal digits", SHA256.fullmatch)]
Count = Annotated[int, Rule("a whole number of at least 0", lambda number: number >= 0)]
Positive = Annotated[int, Rule("a whole number of at least 1", lambda number: number >= 1)]

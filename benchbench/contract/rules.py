"""What an annotation says about a stored value besides its type: `Annotated[int, Rule(...)]`.

Rules are checked where a document is read, because a document may come from anybody.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition on a stored value, and the words for it that follow "expected"."""

    expected: str
    holds: Callable[[Any], object]


Sha256 = Annotated[str, Rule("a sha256 of 64 lowercase hexadecimal digits", SHA256.fullmatch)]
Count = Annotated[int, Rule("a whole number of at least 0", lambda number: number >= 0)]
Positive = Annotated[int, Rule("a whole number of at least 1", lambda number: number >= 1)]
Probability = Annotated[float, Rule("a number from 0 to 1", lambda number: 0 <= number <= 1)]

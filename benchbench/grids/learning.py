"""The shares of the training documents on which a block is also run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from benchbench.contract import BenchbenchError

SHARES = (1.0, 0.5, 0.25, 0.125)
"""The shares of `--learning` alone, the whole first."""
EXPECTED = "different numbers above 0 and at most 1, as in 0.25,0.5,1"


def parse_shares(text: str) -> tuple[float, ...]:
    """Read the shares of `--learning 0.25,0.5,1`; raise BenchbenchError where one is none.

    >>> parse_shares("0.25,0.5")
    (1.0, 0.5, 0.25)
    """
    words = [word.strip() for word in text.split(",")]
    try:
        shares = _sorted([float(word) for word in words])
    except ValueError:
        raise BenchbenchError(f"--learning takes {EXPECTED}; found '{text}'.") from None
    return shares


def block_shares(
    where: str, entry: Mapping[str, Any], given: Sequence[float], faults: list[str]
) -> tuple[float, ...]:
    """Return the shares of a block of a file, or those of the command line; add its faults."""
    asked = given or entry.get("learning", ())
    if not asked and "learning" not in entry:
        return ()
    try:
        return _sorted(asked)
    except ValueError:
        faults.append(f"{where}: 'learning' is a list of {EXPECTED}; found {asked!r}")
        return ()


def _sorted(shares: Any) -> tuple[float, ...]:
    """Return the shares, the whole first; raise ValueError where they are no shares."""
    if not isinstance(shares, list | tuple) or not shares:
        raise ValueError
    if any(type(share) not in (int, float) or not math.isfinite(share) for share in shares):
        raise ValueError
    if not all(0 < share <= 1 for share in shares) or len(set(shares)) != len(shares):
        raise ValueError
    return tuple(sorted({1.0, *map(float, shares)}, reverse=True))

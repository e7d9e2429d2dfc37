"""Where two values of plain data differ: stored ones, and the same computed again."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

TOLERANCE = 1e-9
"""How much a stored and a computed number may differ: processors round differently."""


def differing(stored: Any, computed: Any, place: str = "") -> Iterator[str]:
    """Yield the places where stored and computed plain data differ."""
    if isinstance(stored, Mapping) and isinstance(computed, Mapping):
        for name in sorted({*stored, *computed}):
            inner = f"{place}.{name}" if place else str(name)
            if name not in computed:
                yield f"{inner} is stored but not computed"
            elif name not in stored:
                yield f"{inner} is computed but not stored"
            else:
                yield from differing(stored[name], computed[name], inner)
    elif isinstance(stored, list | tuple) and isinstance(computed, list | tuple):
        if len(stored) != len(computed):
            yield f"{place} has {len(stored)} entries, but {len(computed)} when computed again"
            return
        for number, (left, right) in enumerate(zip(stored, computed, strict=True)):
            yield from differing(left, right, f"{place}[{number}]")
    elif not _equal(stored, computed):
        yield f"{place} is {stored!r}, but {computed!r} when computed again"


def _equal(stored: Any, computed: Any) -> bool:
    if _is_number(stored) and _is_number(computed):
        return math.isclose(stored, computed, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(stored == computed)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

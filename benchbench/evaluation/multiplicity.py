"""Many tests at once: adjusted p values, and the letters and ranks that follow from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def holm(p: np.ndarray | Sequence[float]) -> np.ndarray:
    """Return the adjusted p values of a family of tests, [tests] (Holm 1979).

    They control the family-wise error rate. The i-th smallest p (from 0) is multiplied by
    tests - i. Then each becomes at least as large as those before it, and at most 1.
    """
    import numpy as np

    order = np.argsort(p, kind="stable")
    scaled = np.asarray(p)[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return adjusted


def letters(order: Sequence[int], significant: np.ndarray) -> tuple[str, ...]:
    """Return the compact letter display: one string of letters per system, as in `significant`.

    Two systems share a letter if and only if their difference is not significant. `order` lists
    the systems from the best to the worst, by their index in `significant`, bool [systems,
    systems]. The best system has the letter "a". The algorithm is insert-and-absorb (Piepho
    2004). After z come aa, ab, ...; with more than 26 letters, they are separated by spaces.
    """
    rank = {int(system): place for place, system in enumerate(order)}
    groups = [frozenset(rank)]
    for place, first in enumerate(order):
        for second in order[place + 1 :]:
            if significant[first, second]:
                groups = absorb(insert(groups, {int(first)}, {int(second)}))
    groups.sort(key=lambda group: sorted(rank[system] for system in group))
    names = [letter(number) for number in range(len(groups))]
    separator = "" if len(groups) <= 26 else " "
    return tuple(
        separator.join(name for name, group in zip(names, groups, strict=True) if system in group)
        for system in sorted(rank)
    )


def insert(
    groups: Iterable[frozenset[int]], first: set[int], second: set[int]
) -> set[frozenset[int]]:
    """Separate two systems: a group with both becomes two groups, each without one of them."""
    return {
        group - other
        for group in groups
        for other in ((first, second) if first | second <= group else (set(),))
    }


def absorb(groups: set[frozenset[int]]) -> list[frozenset[int]]:
    """Drop the groups that lie within another."""
    return [group for group in groups if not any(group < other for other in groups)]


def letter(number: int) -> str:
    """Return the letter of a number: a, b, ..., z, aa, ab, ..."""
    before, last = divmod(number, 26)
    return (letter(before - 1) if before else "") + chr(ord("a") + last)


def rank_intervals(values: np.ndarray, significant: np.ndarray) -> tuple[tuple[int, int], ...]:
    """Return the best and the worst rank, from 1, that each system may have.

    `values` is [systems], higher is better; `significant` is bool [systems, systems]. The best
    rank comes after all systems that are significantly better, the worst rank before all systems
    that are significantly worse.
    """
    import numpy as np

    values = np.asarray(values)
    better = (significant & (values[None, :] > values[:, None])).sum(axis=1)
    worse = (significant & (values[None, :] < values[:, None])).sum(axis=1)
    return tuple((1 + int(b), len(values) - int(w)) for b, w in zip(better, worse, strict=True))

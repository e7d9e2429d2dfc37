"""A trie whose unbranched stretches are one step each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby


@dataclass(frozen=True, slots=True)
class Branch:
    """Tokens that follow each other without a choice.

    `children` are the branches that may follow; `answers` all that begin with the path up to
    here, one alone where there are no children. `depth` counts the tokens above.
    """

    tokens: tuple[int, ...]
    depth: int
    parent: int | None
    children: tuple[int, ...]
    answers: tuple[int, ...]

    @property
    def read(self) -> tuple[int, ...]:
        """Return the tokens that a model must read to say what follows: no answer's last one."""
        return self.tokens if self.children else self.tokens[:-1]

    @property
    def edges(self) -> int:
        """Count what may follow the tokens that are read."""
        return len(self.tokens) - 1 + len(self.children)


@dataclass(frozen=True)
class RadixTrie:
    """Branches, each before all that follow it; `roots` are those that may come first."""

    branches: tuple[Branch, ...]
    roots: tuple[int, ...]
    answers: int

    @classmethod
    def build(cls, answers: Sequence[Sequence[int]]) -> RadixTrie:
        """Return the trie of answers; raise ValueError where one begins another, or is it."""
        found: list[Branch | None] = []

        def grow(own: list[int], depth: int, parent: int | None) -> tuple[int, ...]:
            if any(len(answers[one]) <= depth for one in own):
                raise ValueError("one answer begins another: close each with an end")
            groups = groupby(own, key=lambda one: answers[one][depth])
            return tuple(stem(list(group), depth, parent) for _, group in groups)

        def stem(own: list[int], depth: int, parent: int | None) -> int:
            first, last = answers[own[0]], answers[own[-1]]
            most = min(len(first), len(last))
            same = (at for at in range(depth, most) if first[at] != last[at])
            end = next(same, most)
            index = len(found)
            found.append(None)
            children = grow(own, end, index) if len(own) > 1 else ()
            tokens = tuple(first[depth:end])
            found[index] = Branch(tokens, depth, parent, children, tuple(own))
            return index

        order = sorted(range(len(answers)), key=lambda one: tuple(answers[one]))
        roots = grow(order, 0, None)
        return cls(tuple(branch for branch in found if branch), roots, len(answers))

    @cached_property
    def ends(self) -> tuple[int, ...]:
        """Return for each branch the index behind the last one under it."""
        ends = list(range(1, len(self.branches) + 1))
        for index, branch in reversed(list(enumerate(self.branches))):
            if branch.parent is not None:
                ends[branch.parent] = max(ends[branch.parent], ends[index])
        return tuple(ends)

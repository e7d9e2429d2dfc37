"""A radix trie: tokens without a choice between them form one branch.

The radix trie of the answers `7 8 9 1`, `7 8 5 1` and `4 1`:

    --+-- branch 0: 4 1
      +-- branch 1: 7 8 --+-- branch 2: 5 1
                          +-- branch 3: 9 1
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby


@dataclass(frozen=True, slots=True)
class Branch:
    """Tokens that follow one another without a choice.

    `children` are the branches that may follow. `answers` are all answers that begin with the
    path down to this branch; a branch without children has one. `depth` counts the tokens above.
    """

    tokens: tuple[int, ...]
    depth: int
    parent: int | None
    children: tuple[int, ...]
    answers: tuple[int, ...]

    @property
    def read(self) -> tuple[int, ...]:
        """Return the tokens that a model must read: all, except the last token of an answer."""
        return self.tokens if self.children else self.tokens[:-1]

    @property
    def edges(self) -> int:
        """Return how many tokens are scored after the tokens that are read."""
        return len(self.tokens) - 1 + len(self.children)


@dataclass(frozen=True)
class RadixTrie:
    """Branches, parents before children; `roots` are the branches that may come first."""

    branches: tuple[Branch, ...]
    roots: tuple[int, ...]
    answers: int

    @classmethod
    def build(cls, answers: Sequence[Sequence[int]]) -> RadixTrie:
        """Return the trie of `answers`. Raises ValueError where one begins or repeats another.

        >>> trie = RadixTrie.build([(7, 8, 9, 1), (7, 8, 5, 1), (4, 1)])
        >>> [branch.tokens for branch in trie.branches]
        [(4, 1), (7, 8), (5, 1), (9, 1)]
        >>> trie.roots, trie.ends
        ((0, 1), (1, 4, 3, 4))
        """
        branches: list[Branch | None] = []

        def grow(members: list[int], depth: int, parent: int | None) -> tuple[int, ...]:
            if any(len(answers[member]) <= depth for member in members):
                raise ValueError("one answer begins another: close each with an end")
            groups = groupby(members, key=lambda member: answers[member][depth])
            return tuple(stem(list(group), depth, parent) for _, group in groups)

        def stem(members: list[int], depth: int, parent: int | None) -> int:
            first, last = answers[members[0]], answers[members[-1]]
            most = min(len(first), len(last))
            same = (at for at in range(depth, most) if first[at] != last[at])
            end = next(same, most)
            index = len(branches)
            branches.append(None)  # parents come before their children
            children = grow(members, end, index) if len(members) > 1 else ()
            tokens = tuple(first[depth:end])
            branches[index] = Branch(tokens, depth, parent, children, tuple(members))
            return index

        order = sorted(range(len(answers)), key=lambda member: tuple(answers[member]))
        roots = grow(order, 0, None)
        return cls(tuple(branch for branch in branches if branch), roots, len(answers))

    @cached_property
    def ends(self) -> tuple[int, ...]:
        """Return per branch the index after the last branch below it."""
        ends = list(range(1, len(self.branches) + 1))
        for index, branch in reversed(list(enumerate(self.branches))):
            if branch.parent is not None:
                ends[branch.parent] = max(ends[branch.parent], ends[index])
        return tuple(ends)

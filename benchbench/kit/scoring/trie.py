"""Continuations of a prompt as a trie: what several begin with is one path of nodes.

The trie of the continuations `7 8 1`, `7 9 1` and `4`, where `^` is the prompt's last token:

    ^ --+-- 7 (node 0) --+-- 8 (node 1) --> 1
        |                +-- 9 (node 2) --> 1
        +--> 4

An arrow leads to a last token, which needs no node: its parent predicts it and nothing follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

PROMPT_END = -1
"""The parent of the trie's first nodes: the last token of the prompt."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """Tokens that follow a prompt; only those of `answer` are scored.

    >>> Continuation(context=(5, 6), answer=(7,)).tokens
    (5, 6, 7)
    """

    context: tuple[int, ...]
    answer: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse an empty answer: every model gives it probability 1."""
        if not self.answer:
            raise ValueError("a continuation needs at least one token to be scored")

    @property
    def tokens(self) -> tuple[int, ...]:
        """All tokens, in order."""
        return self.context + self.answer


@dataclass(frozen=True)
class TokenTrie:
    """Continuations that share their common beginnings.

    A node is an index into `tokens`, `parents` and `depths`. A child of the prompt's end has
    depth 1. Parents come before children. `predictors` are the nodes whose next-token
    distribution is needed, in ascending order; PROMPT_END may be one of them. An edge
    (predictor, token) is one scored token: `edges` are sorted and distinct, and `paths[i]` are
    the edges of continuation i.
    """

    continuations: tuple[Continuation, ...]
    tokens: tuple[int, ...]
    parents: tuple[int, ...]
    depths: tuple[int, ...]
    predictors: tuple[int, ...]
    edges: tuple[tuple[int, int], ...]
    paths: tuple[tuple[int, ...], ...]

    @classmethod
    def build(cls, continuations: Sequence[Continuation]) -> TokenTrie:
        """Return the trie of `continuations`. Raises ValueError where there are none.

        >>> answers = [(7, 8, 1), (7, 9, 1), (4,)]
        >>> trie = TokenTrie.build([Continuation((), answer) for answer in answers])
        >>> trie.tokens, trie.parents, trie.depths
        ((7, 8, 9), (-1, 0, 0), (1, 2, 2))
        >>> trie.predictors
        (-1, 0, 1, 2)
        """
        if not continuations:
            raise ValueError("a trie needs at least one continuation")
        nodes: dict[tuple[int, int], int] = {}
        walks: list[list[tuple[int, int]]] = []
        for continuation in continuations:
            node, walk = PROMPT_END, []
            for token in continuation.tokens:
                walk.append((node, token))
                if len(walk) < len(continuation.tokens):
                    node = nodes.setdefault((node, token), len(nodes))
            walks.append(walk[len(continuation.context) :])
        depths: list[int] = []
        for parent, _ in nodes:
            depths.append(1 if parent == PROMPT_END else depths[parent] + 1)
        edges = sorted({edge for walk in walks for edge in walk})
        position = {edge: index for index, edge in enumerate(edges)}
        return cls(
            continuations=tuple(continuations),
            tokens=tuple(token for _, token in nodes),
            parents=tuple(parent for parent, _ in nodes),
            depths=tuple(depths),
            predictors=tuple(sorted({predictor for predictor, _ in edges})),
            edges=tuple(edges),
            paths=tuple(tuple(position[edge] for edge in walk) for walk in walks),
        )

    def __len__(self) -> int:
        """Return the number of nodes."""
        return len(self.tokens)

    def split(self, parts: int) -> list[TokenTrie]:
        """Return at most `parts` tries, each over a consecutive run of the continuations."""
        size = -(-len(self.continuations) // parts)
        starts = range(0, len(self.continuations), size)
        return [TokenTrie.build(self.continuations[start : start + size]) for start in starts]

    @property
    def depth(self) -> int:
        """The most nodes that any continuation adds to the prompt."""
        return max(self.depths, default=0)

    @cached_property
    def lineage(self) -> torch.Tensor:
        """Bool [nodes, nodes]: whether the second node is the first, or an ancestor of it."""
        import torch

        seen = torch.eye(len(self), dtype=torch.bool)
        for node, parent in enumerate(self.parents):
            if parent != PROMPT_END:
                seen[node] |= seen[parent]
        return seen

    @cached_property
    def edge_table(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return int64 [edges] twice: the index into `predictors`, and the token."""
        import torch

        index = {predictor: position for position, predictor in enumerate(self.predictors)}
        places = [index[predictor] for predictor, _ in self.edges]
        return torch.tensor(places), torch.tensor([token for _, token in self.edges])

    @cached_property
    def path_table(self) -> torch.Tensor:
        """Int64 [continuations, longest path]: `paths`, padded with len(edges)."""
        import torch

        longest = max(map(len, self.paths))
        fill = len(self.edges)
        return torch.tensor([[*path, *[fill] * (longest - len(path))] for path in self.paths])

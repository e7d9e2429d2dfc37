"""Continuations of a prompt, with their common beginnings shared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

PROMPT_END = -1
"""The parent of a trie's first nodes: the last token of the prompt."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """Tokens that follow a prompt, of which only those of `answer` are scored."""

    context: tuple[int, ...]
    answer: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse an answer without tokens: its probability would be 1, whatever the model."""
        if not self.answer:
            raise ValueError("a continuation needs at least one token to be scored")

    @property
    def tokens(self) -> tuple[int, ...]:
        """All tokens, in order."""
        return self.context + self.answer


@dataclass(frozen=True)
class TokenTrie:
    """Continuations with their common beginnings shared.

    A node is an index into `tokens`, `parents` and `depths` (1 for a child of the prompt's end);
    parents come before children. `predictors` are the places whose distribution is read, in
    ascending order, PROMPT_END among them. An edge (predictor, token) is one scored token:
    `edges` are sorted and distinct, and `paths[i]` are the edges of continuation i.
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
        """Return the trie of `continuations`, of which there must be one."""
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
        """Return tries over consecutive stretches of the continuations, at most `parts`."""
        size = -(-len(self.continuations) // parts)
        starts = range(0, len(self.continuations), size)
        return [TokenTrie.build(self.continuations[start : start + size]) for start in starts]

    @property
    def depth(self) -> int:
        """The most tokens that any continuation puts behind the prompt."""
        return max(self.depths, default=0)

    @cached_property
    def lineage(self) -> torch.Tensor:
        """Bool [nodes, nodes]: whether the second is the first or an ancestor of it."""
        import torch

        seen = torch.eye(len(self), dtype=torch.bool)
        for node, parent in enumerate(self.parents):
            if parent != PROMPT_END:
                seen[node] |= seen[parent]
        return seen

    @cached_property
    def edge_table(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return long [edges] twice: the index into `predictors`, and the token."""
        import torch

        index = {predictor: position for position, predictor in enumerate(self.predictors)}
        places = [index[predictor] for predictor, _ in self.edges]
        return torch.tensor(places), torch.tensor([token for _, token in self.edges])

    @cached_property
    def path_table(self) -> torch.Tensor:
        """Long [continuations, longest path]: `paths`, filled up with len(edges)."""
        import torch

        longest = max(map(len, self.paths))
        fill = len(self.edges)
        return torch.tensor([[*path, *[fill] * (longest - len(path))] for path in self.paths])

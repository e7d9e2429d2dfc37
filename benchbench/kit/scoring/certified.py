"""Likely labels are scored exactly and the others within proven bounds, for part of the work.

The probability of a beginning is an upper bound for every label that begins so:

    p(7 8 1) = p(7) p(8 | 7) p(1 | 7 8)  <=  p(7) p(8 | 7)  <=  p(7)

A best-first search therefore reads the most likely beginnings first. It ends when

    sum of p(beginnings left unread)  <=  TOLERANCE x sum of p(labels scored)
    every p(beginning left unread)    <=  p(third-best label scored)

The best label and the best three are then those of a complete scoring. A beginning that is left
unread shares its probability equally among its labels.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchbench.kit.scoring.branch_reader import BranchReader
from benchbench.kit.scoring.cached_prompts import CachedPrompts
from benchbench.kit.scoring.radix import RadixTrie
from benchbench.kit.scoring.vocabulary import token_log_probabilities

if TYPE_CHECKING:
    from torch import Tensor

TOLERANCE = 1e-4
"""The largest probability that may be left out, as a share of what was scored exactly."""
PROVEN_BEST = 3
"""How many of the best labels are those of a complete scoring, in the same order."""


@dataclass(frozen=True, slots=True)
class CertifiedScores:
    """Scores, and how much of each prompt they leave open.

    `scores` are float32 [prompts, answers]. `exact` says per prompt how many answers were scored
    exactly, `left_out` the probability of all others as a share of theirs.
    """

    scores: Tensor
    left_out: list[float]
    exact: list[int]


@dataclass(slots=True)
class BestFirstSearch:
    """The search for the likely answers of one prompt.

    `open` maps a branch to the log-probability up to its first token. `scored` maps an answer to
    its log-probability.
    """

    trie: RadixTrie
    open: dict[int, float] = field(default_factory=dict)
    scored: dict[int, float] = field(default_factory=dict)

    def enter(self, branches: Sequence[int], scores: Sequence[float], before: float) -> None:
        """Add branches.

        `scores` are the log-probabilities of their first tokens, `before` is that of the tokens
        above them.
        """
        for index, score in zip(branches, scores, strict=True):
            branch = self.trie.branches[index]
            if branch.read:
                self.open[index] = before + score
            else:
                self.scored[branch.answers[0]] = before + score

    def needed(self) -> list[int]:
        """Return the branches that must be read next; none where the search has ended."""
        if not self.open:
            return []
        order = sorted(self.open, key=self.open.__getitem__, reverse=True)
        weights = [math.exp(self.open[index]) for index in order]
        left = TOLERANCE / (1 + TOLERANCE) * (math.fsum(weights) + self.weight)
        while weights and (left := left - weights[-1]) >= 0:
            weights.pop()
        if weights:
            return order[: len(weights)]
        best = heapq.nlargest(PROVEN_BEST, self.scored.values())
        if len(best) < PROVEN_BEST:
            return order[:PROVEN_BEST]
        return [index for index in order[:PROVEN_BEST] if self.open[index] > best[-1]]

    def take(self, index: int, edges: Sequence[float]) -> None:
        """Replace a branch by its children or its answer; `edges` are its log-probabilities."""
        branch = self.trie.branches[index]
        inner = len(branch.tokens) - 1
        before = self.open.pop(index) + math.fsum(edges[:inner])
        if branch.children:
            self.enter(branch.children, edges[inner:], before)
        else:
            self.scored[branch.answers[0]] = before

    @property
    def weight(self) -> float:
        """Return the probability of all answers that were scored exactly."""
        return math.fsum(map(math.exp, self.scored.values()))

    def scores(self) -> list[float]:
        """Return a score per answer; the answers of an open branch share its bound."""
        scores = [0.0] * self.trie.answers
        for index, bound in self.open.items():
            answers = self.trie.branches[index].answers
            for answer in answers:
                scores[answer] = bound - math.log(len(answers))
        for answer, score in self.scored.items():
            scores[answer] = score
        return scores

    def left_out(self) -> float:
        """Return the probability of the open branches as a share of `weight`."""
        return math.fsum(map(math.exp, self.open.values())) / max(self.weight, 1e-300)


def certified_scores(prompts: CachedPrompts, trie: RadixTrie) -> CertifiedScores:
    """Score answers after prompts, likely ones first. No gradients.

    The searches of all prompts go forward together: each step reads the branches they need.
    """
    import torch

    device = prompts.visible.device
    searches = [BestFirstSearch(trie) for _ in range(len(prompts.lengths))]
    _enter_roots(prompts, trie, searches)
    reader = BranchReader(prompts, trie)
    while any(wanted := [search.needed() for search in searches]):
        for search, branches in zip(searches, reader.read(wanted), strict=True):
            for index, edges in branches.items():
                search.take(index, edges)
    scores = torch.tensor([search.scores() for search in searches], dtype=torch.float32)
    return CertifiedScores(
        scores.to(device),
        [search.left_out() for search in searches],
        [len(search.scored) for search in searches],
    )


def _enter_roots(prompts: CachedPrompts, trie: RadixTrie, searches: list[BestFirstSearch]) -> None:
    """Score the first tokens of all answers at the prompts' ends, and open their branches."""
    import torch

    firsts = torch.tensor([trie.branches[index].tokens[0] for index in trie.roots])
    rows = len(searches)
    places = torch.arange(rows).repeat_interleave(len(firsts))
    device = prompts.visible.device
    scored = token_log_probabilities(
        prompts.model, prompts.ends, places.to(device), firsts.repeat(rows).to(device)
    )
    for search, scores in zip(searches, scored.view(rows, -1).tolist(), strict=True):
        search.enter(trie.roots, scores, 0.0)

"""The likely labels exactly, the others within proven bounds, for a fraction of the work.

The probability of a beginning bounds that of every label that begins so. Beginnings are read in
the order of their probability until those left unread weigh less than `TOLERANCE` of the labels
found, and none weighs more than the third-best label: the best label and the best three are then
those of a complete scoring. What is left out shares its bound equally among its labels.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchbench.kit.scoring.branch_reading import BranchReader
from benchbench.kit.scoring.cached_reading import CachedReading
from benchbench.kit.scoring.radix import RadixTrie
from benchbench.kit.scoring.vocabulary import token_log_probabilities

if TYPE_CHECKING:
    from torch import Tensor

TOLERANCE = 1e-4
"""The largest weight of what is left out, as a share of what was found."""
PROVEN = 3
"""So many best labels are those of a complete scoring, in their order."""


@dataclass(frozen=True, slots=True)
class Certified:
    """Scores and what they leave open.

    `scores` float32 [prompts, answers]; `left_out` the weight of what was left out of each
    prompt, as a share of what was found; `found` how many answers were scored exactly.
    """

    scores: Tensor
    left_out: list[float]
    found: list[int]


@dataclass(slots=True)
class Search:
    """What is known about one prompt.

    `open` maps branches to the log-probability of their first token and all before it; `found`
    answers to their score.
    """

    trie: RadixTrie
    open: dict[int, float] = field(default_factory=dict)
    found: dict[int, float] = field(default_factory=dict)

    def enter(self, branches: Sequence[int], scores: Sequence[float], before: float) -> None:
        """Take up branches whose first tokens have these log-probabilities behind `before`."""
        for index, score in zip(branches, scores, strict=True):
            branch = self.trie.branches[index]
            if branch.read:
                self.open[index] = before + score
            else:
                self.found[branch.answers[0]] = before + score

    def needed(self) -> list[int]:
        """Return the branches that must be read before this can end; none: it has ended."""
        if not self.open:
            return []
        order = sorted(self.open, key=self.open.__getitem__, reverse=True)
        weights = [math.exp(self.open[index]) for index in order]
        left = TOLERANCE / (1 + TOLERANCE) * (math.fsum(weights) + self.weight)
        while weights and (left := left - weights[-1]) >= 0:
            weights.pop()
        if weights:
            return order[: len(weights)]
        best = heapq.nlargest(PROVEN, self.found.values())
        if len(best) < PROVEN:
            return order[:PROVEN]
        return [index for index in order[:PROVEN] if self.open[index] > best[-1]]

    def take(self, index: int, edges: Sequence[float]) -> None:
        """Replace a branch by what follows it; `edges` are their log-probabilities."""
        branch = self.trie.branches[index]
        inner = len(branch.tokens) - 1
        before = self.open.pop(index) + math.fsum(edges[:inner])
        if branch.children:
            self.enter(branch.children, edges[inner:], before)
        else:
            self.found[branch.answers[0]] = before

    @property
    def weight(self) -> float:
        """Return the probability of all answers found."""
        return math.fsum(map(math.exp, self.found.values()))

    def scores(self) -> list[float]:
        """Return a score for every answer; what is left out shares its bound."""
        scores = [0.0] * self.trie.answers
        for index, bound in self.open.items():
            answers = self.trie.branches[index].answers
            for answer in answers:
                scores[answer] = bound - math.log(len(answers))
        for answer, score in self.found.items():
            scores[answer] = score
        return scores

    def left_out(self) -> float:
        """Return the weight of what is left out, as a share of what was found."""
        return math.fsum(map(math.exp, self.open.values())) / max(self.weight, 1e-300)


def certified_scores(reading: CachedReading, trie: RadixTrie) -> Certified:
    """Score answers behind prompts, best first, all prompts a step at a time. No gradients."""
    import torch

    device = reading.visible.device
    searches = [Search(trie) for _ in range(len(reading.lengths))]
    _enter_roots(reading, trie, searches)
    reader = BranchReader(reading, trie)
    while any(wanted := [search.needed() for search in searches]):
        for search, found in zip(searches, reader.read(wanted), strict=True):
            for index, edges in found.items():
                search.take(index, edges)
    scores = torch.tensor([search.scores() for search in searches], dtype=torch.float32)
    return Certified(
        scores.to(device),
        [search.left_out() for search in searches],
        [len(search.found) for search in searches],
    )


def _enter_roots(reading: CachedReading, trie: RadixTrie, searches: list[Search]) -> None:
    """Score the first tokens of all answers where the prompts end."""
    import torch

    firsts = torch.tensor([trie.branches[index].tokens[0] for index in trie.roots])
    rows = len(searches)
    places = torch.arange(rows).repeat_interleave(len(firsts))
    device = reading.visible.device
    scored = token_log_probabilities(
        reading.model, reading.ends, places.to(device), firsts.repeat(rows).to(device)
    )
    for search, scores in zip(searches, scored.view(rows, -1).tolist(), strict=True):
        search.enter(trie.roots, scores, 0.0)

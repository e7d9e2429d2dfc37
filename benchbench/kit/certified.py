"""The likely labels exactly, the others within proven bounds, for a fraction of the work.

The probability of a beginning bounds that of every label that begins so. Beginnings are read in
the order of their probability until those left unread weigh less than `TOLERANCE` of the labels
found, and none weighs more than the third-best label: the best label and the best three are then
those of a complete scoring. What is left out shares its bound equally among its labels.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchbench.kit.cached_reading import CachedReading
from benchbench.kit.radix import RadixTrie
from benchbench.kit.vocabulary import token_log_probabilities

if TYPE_CHECKING:
    from torch import Tensor

TOLERANCE = 1e-4
"""The largest weight of what is left out, as a share of what was found."""
TOKENS_AT_ONCE = 32
"""About how many tokens of a prompt's labels are read in a pass: all prompts are padded to the
longest, so that an unsure one must not make the sure ones wait."""
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
    answers to their score; `columns` branches that were read to the cache's columns that hold
    all tokens down to their end.
    """

    trie: RadixTrie
    open: dict[int, float] = field(default_factory=dict)
    found: dict[int, float] = field(default_factory=dict)
    columns: dict[int | None, list[int]] = field(default_factory=lambda: {None: []})

    def enter(self, branches: Sequence[int], scores: Sequence[float], before: float) -> None:
        """Take up branches whose first tokens have these log-probabilities behind `before`."""
        for index, score in zip(branches, scores, strict=True):
            branch = self.trie.branches[index]
            if branch.read:
                self.open[index] = before + score
            else:
                self.found[branch.answers[0]] = before + score

    def next(self) -> list[int]:
        """Return some branches that must be read before this can end; none: it has ended."""
        needed = self._needed()
        tokens = itertools.accumulate(len(self.trie.branches[index].read) for index in needed)
        return needed[: 1 + sum(count < TOKENS_AT_ONCE for count in tokens)]

    def _needed(self) -> list[int]:
        """Return all branches of which it is known that they must be read, likely ones first."""
        if not self.open:
            return []
        order = sorted(self.open, key=lambda index: -self.open[index])
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
    running = searches
    while any(chosen := [search.next() for search in running]):
        if not all(chosen):  # who has ended leaves the batch
            reading = reading.only([row for row, branches in enumerate(chosen) if branches])
            running = [s for s, branches in zip(running, chosen, strict=True) if branches]
            chosen = [branches for branches in chosen if branches]
        reading = _read(reading, running, chosen)
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


@dataclass(slots=True)
class Step:
    """The tokens that one pass reads for one prompt, and what is asked of their states.

    `edges` are (place, token), places ascending; `seen` are pairs (place, column) beside the
    prompt's own.
    """

    tokens: list[int] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    seen: list[tuple[int, int]] = field(default_factory=list)
    edges: list[tuple[int, int]] = field(default_factory=list)

    def read(self, search: Search, index: int, width: int) -> None:
        """Add a branch, whose tokens come to stand from the cache's column `width` on."""
        branch = search.trie.branches[index]
        path = list(search.columns[branch.parent])
        following = [search.trie.branches[child].tokens[0] for child in branch.children]
        for number, token in enumerate(branch.read):
            place = len(self.tokens)
            path.append(width + place)
            self.seen += [(place, column) for column in path]
            self.tokens.append(token)
            self.depths.append(branch.depth + number + 1)
            ahead = branch.tokens[number + 1 : number + 2] or following
            self.edges += [(place, token) for token in ahead]
        search.columns[index] = path

    def take(self, search: Search, index: int, scores: list[float]) -> None:
        """Give a search what its branch's states said; `scores` are those of the edges to come."""
        branch = search.trie.branches[index]
        inner = len(branch.tokens) - 1
        before = search.open.pop(index) + math.fsum(scores[:inner])
        del scores[:inner]
        if branch.children:
            search.enter(branch.children, scores[: len(branch.children)], before)
            del scores[: len(branch.children)]
        else:
            search.found[branch.answers[0]] = before


def _read(reading: CachedReading, searches: list[Search], chosen: list[list[int]]) -> CachedReading:
    """Read the chosen branches of all prompts in one pass; return the longer reading."""
    width = reading.visible.shape[1]
    steps = [Step() for _ in searches]
    for step, search, branches in zip(steps, searches, chosen, strict=True):
        for index in branches:
            step.read(search, index, width)
    scored, longer = _pass(reading, steps)
    for step, search, branches in zip(steps, searches, chosen, strict=True):
        own = scored[: len(step.edges)]
        del scored[: len(step.edges)]
        for index in branches:
            step.take(search, index, own)
    return longer


def _pass(reading: CachedReading, steps: list[Step]) -> tuple[list[float], CachedReading]:
    """Return the log-probabilities of all edges, prompt by prompt, and the longer reading."""
    import torch

    device, rows = reading.visible.device, len(steps)
    most, width = max(len(step.tokens) for step in steps), reading.visible.shape[1]

    def padded(lists: list[list[int]]) -> Tensor:
        return torch.tensor([own + [0] * (most - len(own)) for own in lists], device=device)

    seen = torch.zeros(rows, most, width + most, dtype=torch.bool, device=device)
    seen[:, :, :width] = reading.visible[:, None]
    pairs = [(row, *pair) for row, step in enumerate(steps) for pair in step.seen]
    seen[tuple(torch.tensor(pairs, device=device).T)] = True
    places = [row * most + place for row, step in enumerate(steps) for place, _ in step.edges]
    tokens = [token for step in steps for _, token in step.edges]
    ids, depths = padded([s.tokens for s in steps]), padded([s.depths for s in steps])
    states, longer = reading.asked(ids, depths, seen)
    asked = sorted(set(places))
    position = {place: number for number, place in enumerate(asked)}
    index = torch.tensor([position[place] for place in places], device=device)
    flat = states.reshape(rows * most, -1)[torch.tensor(asked, device=device)]
    scored = token_log_probabilities(
        reading.model, flat, index, torch.tensor(tokens, device=device)
    )
    return scored.tolist(), longer

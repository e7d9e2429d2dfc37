"""Exact log-probabilities of what may follow a prompt, in the fastest way that a model allows.

A tree scorer reads what prompts share once, and all continuations of a prompt in one pass. A
plain scorer reads one row per prompt and continuation. `Scorer.choose` compares both on one
prompt and takes the tree only where it gives the plain scores (`tree_check`).

    trie = TokenTrie.build([Continuation((), (*ids, end)) for ids in label_ids])
    scorer = Scorer.choose(model, pad_id, prompts[0], trie, longest_row=1024)
    reader = scorer.reader(prompts)
    log_probabilities = reader.read(prompts[:8]).scores(trie)      # float32 [8, labels]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from benchbench.kit.known_states import known_of
from benchbench.kit.scoring.beginning import (
    FEWEST_SHARED,
    Beginning,
    shared_beginning,
    takes_beginning,
)
from benchbench.kit.scoring.cached_prompts import CachedPrompts
from benchbench.kit.scoring.limits import tree_limit
from benchbench.kit.scoring.plain_scoring import PlainPrompts, answer_scores
from benchbench.kit.scoring.tree_check import TreeCheck, check_tree
from benchbench.kit.scoring.tree_scoring import chain_scores, score_tries
from benchbench.kit.scoring.trie import Continuation, TokenTrie

if TYPE_CHECKING:
    from torch import Tensor


class ScorablePrompts(Protocol):
    """A batch of prompts whose continuations can be scored."""

    def scores(self, trie: TokenTrie) -> Tensor:
        """Return float32 [prompts, continuations]."""
        ...

    def followed_by(self, rows: Sequence[int], pieces: Sequence[Sequence[int]]) -> ScorablePrompts:
        """Return the prompts `rows`, each followed by its own piece of tokens."""
        ...


@dataclass(frozen=True, slots=True)
class Scorer:
    """A model and how its continuations are scored: by tree, or plainly where the tree is wrong.

    `check` is what the comparison of both found, None where nothing was compared. `price` is how
    many times as many tokens plain scoring reads, on the prompt of the comparison. `sharing` says
    whether what all prompts begin with may be computed once, where the model takes it.
    """

    model: Any
    pad_id: int
    tree: bool
    check: TreeCheck | None = None
    price: float | None = None
    sharing: bool = True

    @classmethod
    def choose(
        cls, model: Any, pad_id: int, prompt: Sequence[int], trie: TokenTrie, longest_row: int,
        *, sharing: bool = True,
    ) -> Scorer:  # fmt: skip
        """Return a tree scorer where the tree is exact on `prompt`, else a plain one.

        `longest_row` is the longest row that will be scored: prompt and continuation together.
        """
        limit = tree_limit(model)
        if longest_row > limit:
            reason = f"rows of {longest_row} tokens exceed the sliding window of {limit}"
            check = TreeCheck(reason=reason)
        else:
            check = check_tree(model, prompt, trie, pad_id)
        price = plain_price(len(prompt), trie)
        return cls(model, pad_id, not check.reason, check, price, sharing)

    @property
    def name(self) -> str:
        """Return "tree" or "plain", the word that the record uses."""
        return "tree" if self.tree else "plain"

    @property
    def warning(self) -> str | None:
        """Say why scoring is plain and what it costs; None where a tree is used."""
        if self.tree or self.check is None or self.price is None:
            return None
        return (
            f"labels are scored plainly, which reads about {self.price:.0f} times as many tokens: "
            f"{self.check.reason}"
        )

    def reader(self, prompts: Sequence[Sequence[int]]) -> PromptReader:
        """Return a reader of these prompts. It is valid until the model's weights change."""
        shared = self.shared(prompts)
        if not shared:
            return PromptReader(self)
        ids = prompts[0][:shared]
        if takes_beginning(self.model):
            return PromptReader(self, shared, Beginning.read(self.model, ids))
        return PromptReader(self, shared, CachedPrompts.of(self.model, [ids], self.pad_id))

    def shared(self, prompts: Sequence[Sequence[int]]) -> int:
        """Return how many tokens of the prompts are to be read once; 0 where none are."""
        if not (self.tree and self.sharing) or len(prompts) < 2:
            return 0
        shared = shared_beginning(prompts)
        return shared if shared >= FEWEST_SHARED else 0

    def shared_in_training(self, prompts: Sequence[Sequence[int]]) -> int:
        """Return how many tokens of the prompts `scores_each` reads once; 0 where none are."""
        known = known_of(self.model)
        if known is not None:  # its rows follow so many tokens, whatever else a batch shares
            return known.common
        shared = self.shared(prompts)
        return shared if shared and takes_beginning(self.model) else 0

    def beginning(self, prompts: Sequence[Sequence[int]]) -> Beginning | None:
        """Read what all prompts begin with, for `scores_each`. Gradients flow."""
        shared = self.shared_in_training(prompts)
        return Beginning.read(self.model, prompts[0][:shared]) if shared else None

    def scores(self, prompts: Sequence[Sequence[int]], trie: TokenTrie) -> Tensor:
        """Return float32 [prompts, continuations]. Gradients flow."""
        return self.reader(prompts).read(prompts).scores(trie)

    def scores_each(
        self, prompts: Sequence[Sequence[int]], targets: Sequence[Sequence[Continuation]],
        beginning: Beginning | None = None,
    ) -> list[Tensor]:  # fmt: skip
        """Return float32 [continuations of the prompt] per prompt; each has at least one.

        Gradients flow. A tree is used where a prompt has several continuations. Where every
        prompt has one, a continuation is an ordinary row. What all prompts begin with is computed
        once, or was computed before (`beginning`).
        """
        import torch

        beginning = beginning or self.beginning(prompts)
        if beginning is not None:
            prompts = [prompt[beginning.length :] for prompt in prompts]
        if self.tree and any(len(continuations) > 1 for continuations in targets):
            tries = list(map(TokenTrie.build, targets))
            return score_tries(self.model, prompts, tries, self.pad_id, beginning)
        pairs = [
            (prompt, continuation)
            for prompt, continuations in zip(prompts, targets, strict=True)
            for continuation in continuations
        ]
        rows = [(*prompt, *item.context) for prompt, item in pairs]
        answers = [item.answer for _, item in pairs]
        scores = (
            chain_scores(self.model, rows, answers, self.pad_id, beginning)
            if self.tree
            else answer_scores(self.model, rows, answers, self.pad_id)
        )
        return list(torch.split(scores, list(map(len, targets))))


@dataclass(frozen=True, slots=True)
class PromptReader:
    """Reads prompts. The `shared` tokens that all of them begin with are read only once."""

    scorer: Scorer
    shared: int = 0
    beginning: Beginning | CachedPrompts | None = None

    def read(self, prompts: Sequence[Sequence[int]]) -> ScorablePrompts:
        """Read some of the prompts that the reader was made for."""
        model, pad_id = self.scorer.model, self.scorer.pad_id
        if not self.scorer.tree:
            return PlainPrompts(model, prompts, pad_id)
        if self.beginning is None:
            return CachedPrompts.of(model, prompts, pad_id)
        rest = [prompt[self.shared :] for prompt in prompts]
        if isinstance(self.beginning, CachedPrompts):  # its keys and values are copied per prompt
            return self.beginning.followed_by([0] * len(prompts), rest)
        return CachedPrompts.of(model, rest, pad_id, self.beginning)


def plain_price(prompt: int, trie: TokenTrie) -> float:
    """Return how many times the tokens of a tree plain scoring reads after `prompt` tokens.

    >>> plain_price(10, TokenTrie.build([Continuation((), (7, 8)), Continuation((), (7, 9))]))
    2.0
    """
    plain = sum(prompt + len(item.tokens) - 1 for item in trie.continuations)
    return plain / (prompt + len(trie))

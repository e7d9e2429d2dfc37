"""Exact log-probabilities of what may follow a prompt, and which way to them a model allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from benchbench.contract import GuardError
from benchbench.kit.scoring.cached_reading import CachedReading
from benchbench.kit.scoring.limits import tree_limit
from benchbench.kit.scoring.plain_scoring import PlainReading, answer_scores, plain_scores
from benchbench.kit.scoring.tree_scoring import chain_scores, score_tries
from benchbench.kit.scoring.trie import Continuation, TokenTrie

if TYPE_CHECKING:
    from torch import Tensor

FEWEST_SHARED = 4
"""Tokens that prompts must have in common to be worth reading apart."""


class Reading(Protocol):
    """Prompts that were read, or will be; whatever may follow them can be scored."""

    def scores(self, trie: TokenTrie) -> Tensor:
        """Return float32 [prompts, continuations]."""
        ...

    def extended(self, rows: Sequence[int], pieces: Sequence[Sequence[int]]) -> Reading:
        """Return the prompts `rows`, each followed by its piece."""
        ...


@dataclass(frozen=True, slots=True)
class Scorer:
    """A model and the way its continuations are scored: by tree, or plainly where that is wrong.

    `difference` is what `tree_difference` measured; None where it was not, or the tree cannot be
    used at all.
    """

    model: Any
    pad_id: int
    tree: bool
    difference: float | None

    @classmethod
    def choose(
        cls, model: Any, pad_id: int, prompt: Sequence[int], trie: TokenTrie, longest_row: int
    ) -> Scorer:
        """Return a tree scorer where the tree is exact on `prompt`, else a plain one.

        Exact means within 1e-3 in float32, and within the rounding of narrower types: 0.25.
        `longest_row` is the longest row that will ever be scored, prompt and depth together.
        """
        import torch

        if longest_row > tree_limit(model):
            return cls(model, pad_id, False, None)
        narrow = model.get_input_embeddings().weight.dtype != torch.float32
        difference = tree_difference(model, prompt, trie, pad_id)
        if difference == float("inf"):
            return cls(model, pad_id, False, None)
        return cls(model, pad_id, difference <= (0.25 if narrow else 1e-3), difference)

    @property
    def name(self) -> str:
        """Return "tree" or "plain", as the record has it."""
        return "tree" if self.tree else "plain"

    def reader(self, prompts: Sequence[Sequence[int]]) -> Reader:
        """Return a reader of these prompts, for as long as the weights stay what they are."""
        shared = shared_beginning(prompts)
        if not self.tree or len(prompts) < 2 or shared < FEWEST_SHARED:
            return Reader(self)
        beginning = CachedReading.of(self.model, [prompts[0][:shared]], self.pad_id)
        return Reader(self, shared, beginning)

    def scores(self, prompts: Sequence[Sequence[int]], trie: TokenTrie) -> Tensor:
        """Return float32 [prompts, continuations]. Gradients flow."""
        return self.reader(prompts).read(prompts).scores(trie)

    def scores_each(
        self, prompts: Sequence[Sequence[int]], targets: Sequence[Sequence[Continuation]]
    ) -> list[Tensor]:
        """Return float32 [its own continuations] for every prompt, which has at least one.

        Gradients flow. A tree is used where a prompt has several; one is a row of its own anyway.
        """
        import torch

        if self.tree and any(len(own) > 1 for own in targets):
            return score_tries(
                self.model, prompts, list(map(TokenTrie.build, targets)), self.pad_id
            )
        pairs = [(p, item) for p, own in zip(prompts, targets, strict=True) for item in own]
        rows = [(*prompt, *item.context) for prompt, item in pairs]
        score = chain_scores if self.tree else answer_scores
        scores = score(self.model, rows, [item.answer for _, item in pairs], self.pad_id)
        return list(torch.split(scores, [len(own) for own in targets]))


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads prompts; what all of them begin with, the first `shared` tokens, only once."""

    scorer: Scorer
    shared: int = 0
    beginning: CachedReading | None = None

    def read(self, prompts: Sequence[Sequence[int]]) -> Reading:
        """Return some of the prompts that the reader was made for, read."""
        model, pad_id = self.scorer.model, self.scorer.pad_id
        if not self.scorer.tree:
            return PlainReading(model, prompts, pad_id)
        if self.beginning is None:
            return CachedReading.of(model, prompts, pad_id)
        rest = [prompt[self.shared :] for prompt in prompts]
        return self.beginning.extended([0] * len(prompts), rest)


def shared_beginning(prompts: Sequence[Sequence[int]]) -> int:
    """Return how many tokens all prompts begin with, the last one of each left aside."""
    # no other prompt differs from these two earlier than they differ from each other
    first, last = min(map(list, prompts)), max(map(list, prompts))
    shortest = min(map(len, prompts)) - 1
    differing = (at for at in range(shortest) if first[at] != last[at])
    return next(differing, shortest)


def tree_difference(model: Any, prompt: Sequence[int], trie: TokenTrie, pad_id: int) -> float:
    """Return how far tree and plain scores differ at most, on one prompt and on its second half.

    The half is there so that padding is tried too. At most eight continuations, spread over the
    trie, are compared, read in one piece, in two, and as a training reads them. Infinite where
    the model cannot take a mask of four dimensions, or keeps no keys and values.
    """
    import torch

    step = -(-len(trie.continuations) // 8)
    prompts = [prompt, prompt[len(prompt) // 2 :]]
    some = TokenTrie.build(trie.continuations[::step])
    rows = [(*prompt, *item.context) for item in some.continuations]
    answers = [item.answer for item in some.continuations]
    training = model.training
    model.eval()  # dropout would make any two passes differ
    try:
        with torch.no_grad():
            plain = plain_scores(model, prompts, some, pad_id)
            found = [CachedReading.of(model, prompts, pad_id).scores(trie)[:, ::step]]
            if len(prompt) > 3:
                begun = CachedReading.of(model, [prompt[:2]], pad_id)
                twice = begun.extended([0, 0], [prompt[2:], prompt[2:]]).scores(trie)[:, ::step]
                found.append(torch.stack([twice[0], plain[1]]))
                found.append(torch.stack([twice[1], plain[1]]))
            chains = chain_scores(model, rows, answers, pad_id)
            found.append(torch.stack([chains, plain[1]]))
            difference = max((scores - plain).abs().max().item() for scores in found)
    except torch.OutOfMemoryError:  # a RuntimeError, but no word about masks
        raise
    except (GuardError, AttributeError, IndexError, KeyError, TypeError, ValueError, RuntimeError):
        return float("inf")
    finally:
        model.train(training)
    return difference if difference == difference else float("inf")

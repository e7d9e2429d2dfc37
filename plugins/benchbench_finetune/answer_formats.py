"""The formats of an answer: one label, a yes-no question per label, or a list of labels.

A format says which continuations of a prompt are learned, and how the scores of continuations
become logits. Scores of continuations are exact in all of them (`benchbench.kit.scoring`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from benchbench.kit.scoring import (
    CachedPrompts,
    CertifiedScores,
    Continuation,
    RadixTrie,
    ScorablePrompts,
    TokenTrie,
    certified_scores,
)
from benchbench.kit.seeding import generator
from benchbench_finetune.prompt_format import PromptFormat

if TYPE_CHECKING:
    import torch

YES_NO_LABELS = 64
"""Up to so many labels, multi_label=auto asks about each label; above, it has them listed."""
LEAST_LOG_PROBABILITY = -30.0
MOST_LOG_PROBABILITY = -1e-6


@dataclass(frozen=True, slots=True)
class GoldLabels:
    """The labels of a document that occur in training, the main code first, and its weight."""

    labels: tuple[int, ...]
    weight: float

    @classmethod
    def of(cls, labels: Sequence[int], main: int, weight: float, n_labels: int) -> GoldLabels:
        """Order the labels by index, which is by name, after the main one; drop unknown ones."""
        known = sorted({label for label in labels if label < n_labels})
        return cls(tuple(sorted(known, key=lambda label: (label != main, label))), weight)


class AnswerFormat(Protocol):
    """A format of answers: what is learned behind a prompt, and what is scored there."""

    @property
    def prompt(self) -> PromptFormat:
        """The prompt."""
        ...

    @property
    def rate(self) -> float:
        """The share of a document's wrong answers that are drawn in training; 1 where all are."""
        ...

    @property
    def trie(self) -> TokenTrie:
        """Everything that may follow a prompt when labels are scored."""
        ...

    @property
    def answers_per_document(self) -> float:
        """How many continuations a document has to learn, on average."""
        ...

    def targets(self, golds: Sequence[GoldLabels], *stream: str | int) -> list[list[Continuation]]:
        """Return what each document has to learn; `stream` names the random numbers used."""
        ...

    def logits(self, prompts: ScorablePrompts) -> torch.Tensor:
        """Return float32 [prompts, labels]."""
        ...


@dataclass(frozen=True, slots=True)
class CertifiedTally:
    """What certified scoring left out of all documents so far, in `facts` for the record."""

    facts: dict[str, float] = field(
        default_factory=lambda: {"documents": 0, "labels_scored": 0, "largest_left_out": 0.0}
    )

    def add(self, certified: CertifiedScores) -> None:
        """Count the documents of a batch."""
        self.facts["documents"] += len(certified.exact)
        self.facts["labels_scored"] += sum(certified.exact)
        largest = max(certified.left_out, default=0.0)
        self.facts["largest_left_out"] = max(self.facts["largest_left_out"], largest)


@dataclass(frozen=True)
class OneLabel:
    """The label's text and the end, or its code. The logit is its summed log-probability.

    Softmax over the logits is the model's own distribution, restricted to the labels. `tally`
    counts what certified scoring leaves out; without one every label is scored.
    """

    prompt: PromptFormat
    rate: float = 1.0
    answers_per_document: float = 1.0
    tally: CertifiedTally | None = None

    @cached_property
    def trie(self) -> TokenTrie:
        """Every label. The end tells "A01" from "A01B"; codes differ anyway."""
        return TokenTrie.build([self._answer(label) for label in range(len(self.prompt.labels))])

    def targets(self, golds: Sequence[GoldLabels], *stream: str | int) -> list[list[Continuation]]:
        """Return one answer per document, and none where its label does not occur in training."""
        return [[self._answer(label) for label in gold.labels[:1]] for gold in golds]

    @cached_property
    def radix(self) -> RadixTrie:
        """The labels in the form that certified scoring searches."""
        return RadixTrie.build([item.answer for item in self.trie.continuations])

    def logits(self, prompts: ScorablePrompts) -> torch.Tensor:
        """Score every label, or those that may matter; float32 [prompts, labels]."""
        if self.tally is None or not isinstance(prompts, CachedPrompts):
            return prompts.scores(self.trie)
        certified = certified_scores(prompts, self.radix)
        self.tally.add(certified)
        return certified.scores

    def _answer(self, label: int) -> Continuation:
        end = () if self.prompt.coded else (self.prompt.end,)
        return Continuation((), (*self.prompt.labels[label], *end))


@dataclass(frozen=True)
class YesNo:
    """A question per label, answered yes or no; the document is computed once for all of them.

    A document learns yes to all its labels, and no to `negatives` other labels that are drawn
    anew in every epoch. Drawing lifts the odds of yes by 1 / `rate`, where `rate` is the share of
    all negatives that is drawn. The logit log p(yes) - log p(no) + log(rate) takes that back
    (King and Zeng, 2001, equation 7).
    """

    prompt: PromptFormat
    rate: float = 1.0
    answers_per_document: float = 1.0
    negatives: int = 0
    seed: int = 0

    def drawing(self, golds: Sequence[GoldLabels], negatives: int, seed: int) -> YesNo:
        """Return this format for training on `golds`, with the rate that follows from them."""
        labels = len(self.prompt.labels)
        drawn = sum(gold.weight * min(negatives, labels - len(gold.labels)) for gold in golds)
        absent = sum(gold.weight * (labels - len(gold.labels)) for gold in golds)
        present = sum(gold.weight * len(gold.labels) for gold in golds)
        answers = (drawn + present) / sum(gold.weight for gold in golds)
        return YesNo(self.prompt, drawn / absent if absent else 1.0, answers, negatives, seed)

    @cached_property
    def trie(self) -> TokenTrie:
        """Yes and no to every label, in turn."""
        labels = range(len(self.prompt.labels))
        return TokenTrie.build([self._answer(label, no) for label in labels for no in (0, 1)])

    def targets(self, golds: Sequence[GoldLabels], *stream: str | int) -> list[list[Continuation]]:
        """Return yes to each label of a document, and no to a few others."""
        import numpy as np

        random = generator(self.seed, "negatives", *stream)
        labels = np.arange(len(self.prompt.labels))
        targets = []
        for gold in golds:
            absent = np.setdiff1d(labels, gold.labels)
            drawn = random.choice(absent, min(self.negatives, len(absent)), replace=False)
            yes = [self._answer(label, 0) for label in gold.labels]
            targets.append(yes + [self._answer(int(label), 1) for label in sorted(drawn)])
        return targets

    def logits(self, prompts: ScorablePrompts) -> torch.Tensor:
        """Return the corrected log-odds of yes; float32 [prompts, labels]."""
        import math

        scores = prompts.scores(self.trie)
        yes, no = scores.view(len(scores), -1, 2).unbind(-1)
        return yes - no + math.log(self.rate)

    def _answer(self, label: int, no: int) -> Continuation:
        question = (*self.prompt.labels[label], *self.prompt.suffix)
        return Continuation(question, self.prompt.answers[no])


@dataclass(frozen=True)
class LabelList:
    """All labels of a document in one answer: the main code first, the others by name.

    An answer has at most `max_listed` labels. Prediction goes step by step:

    1. Every label, followed by a separator or by the end, and the end alone are scored exactly.
    2. The likeliest label that is not written yet is appended, unless the end is likelier.

    The distribution of a step is about the next label and not about the set (Ma et al., 2025). So
    a label's probability is the largest that it has in any step, and its logit the log-odds.
    """

    prompt: PromptFormat
    max_listed: int
    rate: float = 1.0
    answers_per_document: float = 1.0

    @cached_property
    def trie(self) -> TokenTrie:
        """What may begin an answer."""
        return self._step(())

    @cached_property
    def later(self) -> TokenTrie:
        """What may follow a label that is written."""
        return self._step(self.prompt.separator)

    def targets(self, golds: Sequence[GoldLabels], *stream: str | int) -> list[list[Continuation]]:
        """Return the whole list. A list that is too long is cut and does not learn to end there."""
        return [[Continuation((), self._list(gold.labels))] for gold in golds]

    def logits(self, prompts: ScorablePrompts) -> torch.Tensor:
        """Return the log-odds of the largest probability of any step; float32 [prompts, labels]."""
        import torch

        best = unwritten = torch.empty(0)
        writing: list[int] = []
        for step in range(self.max_listed):
            scores = self._options(prompts, self.later if step else self.trie)
            if not step:
                writing = list(range(len(scores)))
                best = torch.full((len(scores), len(self.prompt.labels)), -torch.inf)
                unwritten = torch.ones(best.shape, dtype=torch.bool)
            best[writing] = torch.maximum(best[writing], scores[:, :-1])
            fresh = torch.where(unwritten[writing], scores[:, :-1], -torch.inf)
            values, chosen = fresh.max(-1)
            going_on = (values >= scores[:, -1]).nonzero().flatten().tolist()
            labels = chosen.tolist()
            if not going_on or step + 1 == self.max_listed:
                break
            for row in going_on:
                unwritten[writing[row], labels[row]] = False
            before = self.prompt.separator if step else ()
            pieces = [(*before, *self.prompt.labels[labels[row]]) for row in going_on]
            prompts = prompts.followed_by(going_on, pieces)
            writing = [writing[row] for row in going_on]
        best = best.clamp(LEAST_LOG_PROBABILITY, MOST_LOG_PROBABILITY)
        return best - torch.log(-torch.expm1(best))

    def _options(self, prompts: ScorablePrompts, trie: TokenTrie) -> torch.Tensor:
        """Return log-probabilities [prompts, labels + 1] among all labels and the end."""
        import torch

        scores = prompts.scores(trie).cpu()
        labels = scores[:, :-1].view(len(scores), -1, 2).logsumexp(-1)
        return torch.cat([labels, scores[:, -1:]], dim=-1).log_softmax(-1)

    def _step(self, before: tuple[int, ...]) -> TokenTrie:
        """Return every label, followed by a separator and by the end in turn; the end is last."""
        end = (self.prompt.end,)
        options = [
            Continuation((), (*before, *label, *after))
            for label in self.prompt.labels
            for after in (self.prompt.separator, end)
        ]
        return TokenTrie.build([*options, Continuation((), end)])

    def _list(self, labels: Sequence[int]) -> tuple[int, ...]:
        tokens: list[int] = []
        for place, label in enumerate(labels[: self.max_listed]):
            tokens += [*(self.prompt.separator if place else ()), *self.prompt.labels[label]]
        return (*tokens, self.prompt.end) if len(labels) <= self.max_listed else tuple(tokens)

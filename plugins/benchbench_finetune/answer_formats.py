"""How labels are answered, learned and scored: one label, a question a label, or a list.

Each way says which continuations of a prompt are to be learned, and how the scores of
continuations become logits. What they share is an exact score of any continuation
(`benchbench.kit.scoring.scorer`).
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
from benchbench_finetune.prompts import PromptFormat

if TYPE_CHECKING:
    import torch

LEAST_LOG_PROBABILITY = -30.0
MOST_LOG_PROBABILITY = -1e-6


@dataclass(frozen=True, slots=True)
class Gold:
    """The labels of a document that the label space knows, the main code first."""

    labels: tuple[int, ...]
    weight: float

    @classmethod
    def of(cls, labels: Sequence[int], main: int, weight: float, n_labels: int) -> Gold:
        """Order by label, hence by name; labels that training never saw drop out."""
        known = sorted({label for label in labels if label < n_labels})
        return cls(tuple(sorted(known, key=lambda label: (label != main, label))), weight)


class Way(Protocol):
    """A way to answer."""

    @property
    def format(self) -> PromptFormat:
        """The prompt."""
        ...

    @property
    def rate(self) -> float:
        """The share of what a document could be asked in vain that it is asked in training."""
        ...

    @property
    def trie(self) -> TokenTrie:
        """Everything that may follow a prompt when labels are scored."""
        ...

    @property
    def answers_each(self) -> float:
        """How many continuations a document has to learn, on average."""
        ...

    def targets(self, golds: Sequence[Gold], *stream: str | int) -> list[list[Continuation]]:
        """Return what each document is to learn; `stream` names the random numbers used."""
        ...

    def logits(self, reading: ScorablePrompts) -> torch.Tensor:
        """Return float32 [prompts, labels]."""
        ...


@dataclass(frozen=True, slots=True)
class CertifiedTally:
    """What was left out of all documents so far, in `facts`, which a record takes."""

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
    """The label's text and the end, or its code. Logit: the summed log-probability of all tokens.

    Softmax over them is the model's own distribution, restricted to the labels.
    """

    format: PromptFormat
    rate: float = 1.0
    answers_each: float = 1.0
    tally: CertifiedTally | None = None
    """Counts the labels that certified scoring left out (`benchbench.kit.scoring.certified`)."""

    @cached_property
    def trie(self) -> TokenTrie:
        """Every label; the end keeps "A01" apart from "A01B", which codes are anyway."""
        return TokenTrie.build([self._answer(label) for label in range(len(self.format.labels))])

    def targets(self, golds: Sequence[Gold], *stream: str | int) -> list[list[Continuation]]:
        """Return the one answer of each document; none where its label is unknown."""
        return [[self._answer(label) for label in gold.labels[:1]] for gold in golds]

    @cached_property
    def radix(self) -> RadixTrie:
        """Return the labels in the form that a search goes through."""
        return RadixTrie.build([item.answer for item in self.trie.continuations])

    def logits(self, reading: ScorablePrompts) -> torch.Tensor:
        """Score every label, or those that may matter; float32 [prompts, labels]."""
        if self.tally is None or not isinstance(reading, CachedPrompts):
            return reading.scores(self.trie)
        certified = certified_scores(reading, self.radix)
        self.tally.add(certified)
        return certified.scores

    def _answer(self, label: int) -> Continuation:
        end = () if self.format.coded else (self.format.end,)
        return Continuation((), (*self.format.labels[label], *end))


@dataclass(frozen=True)
class YesNo:
    """A question a label, answered yes or no; the document is computed once for all of them.

    A document learns all its labels and `negatives` other ones, drawn anew every epoch. That
    lifts the odds of yes by 1 / `rate`, the share of all negatives that is drawn; the logit is
    log p(yes) - log p(no) + log(rate), which takes it back (King and Zeng 2001, equation 7).
    """

    format: PromptFormat
    rate: float = 1.0
    answers_each: float = 1.0
    negatives: int = 0
    seed: int = 0

    def drawing(self, golds: Sequence[Gold], negatives: int, seed: int) -> YesNo:
        """Return this way as it is trained, with the rate that these documents give."""
        labels = len(self.format.labels)
        drawn = sum(gold.weight * min(negatives, labels - len(gold.labels)) for gold in golds)
        absent = sum(gold.weight * (labels - len(gold.labels)) for gold in golds)
        present = sum(gold.weight * len(gold.labels) for gold in golds)
        each = (drawn + present) / sum(gold.weight for gold in golds)
        return YesNo(self.format, drawn / absent if absent else 1.0, each, negatives, seed)

    @cached_property
    def trie(self) -> TokenTrie:
        """Yes and no to every label, in turn."""
        labels = range(len(self.format.labels))
        return TokenTrie.build([self._answer(label, no) for label in labels for no in (0, 1)])

    def targets(self, golds: Sequence[Gold], *stream: str | int) -> list[list[Continuation]]:
        """Return yes to each label of a document, and no to a few others."""
        import numpy as np

        random = generator(self.seed, "negatives", *stream)
        labels = np.arange(len(self.format.labels))
        targets = []
        for gold in golds:
            absent = np.setdiff1d(labels, gold.labels)
            drawn = random.choice(absent, min(self.negatives, len(absent)), replace=False)
            yes = [self._answer(label, 0) for label in gold.labels]
            targets.append(yes + [self._answer(int(label), 1) for label in sorted(drawn)])
        return targets

    def logits(self, reading: ScorablePrompts) -> torch.Tensor:
        """Return the corrected log-odds of yes; float32 [prompts, labels]."""
        import math

        scores = reading.scores(self.trie)
        yes, no = scores.view(len(scores), -1, 2).unbind(-1)
        return yes - no + math.log(self.rate)

    def _answer(self, label: int, no: int) -> Continuation:
        context = (*self.format.labels[label], *self.format.suffix)
        return Continuation(context, self.format.answers[no])


@dataclass(frozen=True)
class LabelList:
    """All labels of a document in one answer: the main code first, the others by name.

    At most `listed` labels are written. Prediction goes step by step: at each step every label,
    followed by a separator or the end, and the end alone are scored exactly; the best label not
    yet written is appended, until the end is likelier. A label's probability is the largest it
    had at any step, since a step's distribution is about the next label and not about the set
    (Ma et al. 2025): these are max-over-steps scores. The logit is their log-odds.
    """

    format: PromptFormat
    listed: int
    rate: float = 1.0
    answers_each: float = 1.0

    @cached_property
    def trie(self) -> TokenTrie:
        """What may begin an answer."""
        return self._step(())

    @cached_property
    def later(self) -> TokenTrie:
        """What may follow a label that has been written."""
        return self._step(self.format.separator)

    def targets(self, golds: Sequence[Gold], *stream: str | int) -> list[list[Continuation]]:
        """Return the whole list; one too long is cut and does not learn to end there."""
        return [[Continuation((), self._list(gold.labels))] for gold in golds]

    def logits(self, reading: ScorablePrompts) -> torch.Tensor:
        """Return the log-odds of max-over-steps probabilities; float32 [prompts, labels]."""
        import torch

        best = unwritten = torch.empty(0)
        writing: list[int] = []
        for step in range(self.listed):
            scores = self._options(reading, self.later if step else self.trie)
            if not step:
                writing = list(range(len(scores)))
                best = torch.full((len(scores), len(self.format.labels)), -torch.inf)
                unwritten = torch.ones(best.shape, dtype=torch.bool)
            best[writing] = torch.maximum(best[writing], scores[:, :-1])
            fresh = torch.where(unwritten[writing], scores[:, :-1], -torch.inf)
            values, chosen = fresh.max(-1)
            going_on = (values >= scores[:, -1]).nonzero().flatten().tolist()
            labels = chosen.tolist()
            if not going_on or step + 1 == self.listed:
                break
            for at in going_on:
                unwritten[writing[at], labels[at]] = False
            before = self.format.separator if step else ()
            pieces = [(*before, *self.format.labels[labels[at]]) for at in going_on]
            reading = reading.followed_by(going_on, pieces)
            writing = [writing[at] for at in going_on]
        best = best.clamp(LEAST_LOG_PROBABILITY, MOST_LOG_PROBABILITY)
        return best - torch.log(-torch.expm1(best))

    def _options(self, reading: ScorablePrompts, trie: TokenTrie) -> torch.Tensor:
        """Return log-probabilities [prompts, labels + 1] among all labels and the end."""
        import torch

        scores = reading.scores(trie).cpu()
        labels = scores[:, :-1].view(len(scores), -1, 2).logsumexp(-1)
        return torch.cat([labels, scores[:, -1:]], dim=-1).log_softmax(-1)

    def _step(self, before: tuple[int, ...]) -> TokenTrie:
        """Return every label, followed by a separator and by the end in turn; last the end."""
        end = (self.format.end,)
        options = [
            Continuation((), (*before, *label, *after))
            for label in self.format.labels
            for after in (self.format.separator, end)
        ]
        return TokenTrie.build([*options, Continuation((), end)])

    def _list(self, labels: Sequence[int]) -> tuple[int, ...]:
        tokens: list[int] = []
        for place, label in enumerate(labels[: self.listed]):
            tokens += [*(self.format.separator if place else ()), *self.format.labels[label]]
        return (*tokens, self.format.end) if len(labels) <= self.listed else tuple(tokens)

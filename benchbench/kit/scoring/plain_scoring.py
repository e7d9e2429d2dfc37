"""One row per prompt and continuation, scored by the model's own forward, its head in float32.

This is right for any model. Faster ways are compared with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchbench.kit.batching import pad
from benchbench.kit.guards import check_left_padded
from benchbench.kit.scoring.float32_head import float32_head
from benchbench.kit.scoring.limits import check_row, context_length
from benchbench.kit.scoring.trie import TokenTrie
from benchbench.kit.scoring.vocabulary import LOGITS_AT_ONCE

if TYPE_CHECKING:
    from torch import Tensor

TOKENS_AT_ONCE = 2**15
"""The most tokens per forward pass."""


@dataclass(frozen=True, slots=True)
class PlainPrompts:
    """Prompts that are read again with every continuation."""

    model: Any
    prompts: Sequence[Sequence[int]]
    pad_id: int

    def scores(self, trie: TokenTrie) -> Tensor:
        """Return float32 [prompts, continuations]."""
        return plain_scores(self.model, self.prompts, trie, self.pad_id)

    def followed_by(self, rows: Sequence[int], pieces: Sequence[Sequence[int]]) -> PlainPrompts:
        """Return the prompts `rows`, each followed by its own piece of tokens."""
        longer = [[*self.prompts[row], *piece] for row, piece in zip(rows, pieces, strict=True)]
        return PlainPrompts(self.model, longer, self.pad_id)


def plain_scores(
    model: Any, prompts: Sequence[Sequence[int]], trie: TokenTrie, pad_id: int
) -> Tensor:
    """Return float32 [prompts, continuations], from one row per prompt and continuation."""
    rows = [(*prompt, *item.context) for prompt in prompts for item in trie.continuations]
    answers = [item.answer for _ in prompts for item in trie.continuations]
    scores = answer_scores(model, rows, answers, pad_id)
    return scores.view(len(prompts), len(trie.continuations))


def answer_scores(
    model: Any, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]], pad_id: int
) -> Tensor:
    """Return float32 [prompts]: the log-probability of the answer of each prompt.

    Rows are padded on the left. So all answers end in the last column, and only the last columns
    go through the model's output head. Gradients flow.
    """
    import torch

    lengths = [len(p) + len(a) - 1 for p, a in zip(prompts, answers, strict=True)]
    check_row(max(lengths), context_length(model))
    longest = max(map(len, answers))
    rows = max(1, LOGITS_AT_ONCE // (longest * model.config.get_text_config().vocab_size))
    rows = min(rows, max(1, TOKENS_AT_ONCE // max(lengths)))
    return torch.cat(
        [
            _answer_scores(model, prompts[at : at + rows], answers[at : at + rows], pad_id)
            for at in range(0, len(prompts), rows)
        ]
    )


def _answer_scores(
    model: Any, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]], pad_id: int
) -> Tensor:
    """Score one batch of `answer_scores`."""
    import torch

    device = model.get_input_embeddings().weight.device
    rows = [[*p, *a[:-1]] for p, a in zip(prompts, answers, strict=True)]
    input_ids, attention_mask = pad(rows, pad_id, side="left")
    targets, scored = pad(answers, 0, side="left")
    check_left_padded(attention_mask)
    with float32_head(model):
        logits = model(
            input_ids=input_ids.to(device),
            attention_mask=attention_mask.to(device),
            position_ids=(attention_mask.cumsum(-1) - 1).clamp(min=0).to(device),
            logits_to_keep=targets.shape[1],
            use_cache=False,
        ).logits.float()
    log_probabilities = logits.log_softmax(-1).gather(-1, targets.to(device)[..., None])[..., 0]
    return torch.where(scored.to(device) == 1, log_probabilities, 0.0).sum(-1)

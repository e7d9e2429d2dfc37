"""Exact log-probabilities of many continuations of one prompt, in one forward pass.

The continuations form a trie. A row of the batch is [prompt, left-padded | nodes of the trie]; a
node sees the prompt, its ancestors and itself, and stands at the position it would have had on
its own, so that its hidden state is what the model computes for that continuation alone (tree
attention: Miao et al. 2024, SpecInfer, section 4.2). The last token of a continuation needs no
node: its parent's distribution holds its probability. The output head, the dearest part where
labels are many, runs only at nodes that predict something.

`answer_scores` gives every continuation a row of its own and uses the model's own forward
throughout: right for any model, and the reference that the tree is held against.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchbench.errors import GuardError
from benchbench.kit.batching import pad
from benchbench.kit.guards import check_left_padded
from benchbench.kit.trie import Continuation, TokenTrie

if TYPE_CHECKING:
    import torch

LOGITS_AT_ONCE = 32 * 2**20
"""Numbers that the output head may write before they are reduced (128 MiB in float32)."""
ATTENTION_AT_ONCE = 32 * 2**20
"""Cells of the attention mask of one batch of trees."""


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

    def scores(self, prompts: Sequence[Sequence[int]], trie: TokenTrie) -> torch.Tensor:
        """Return float32 [prompts, continuations], in batches that fit. Gradients flow."""
        import torch

        if not self.tree:
            return plain_scores(self.model, prompts, trie, self.pad_id)
        longest = max(map(len, prompts))
        columns: list[torch.Tensor] = []
        for part in split_for(self.model, longest, trie):
            rows = max(1, ATTENTION_AT_ONCE // (longest + len(part)) ** 2)
            pieces = [
                score_continuations(self.model, prompts[at : at + rows], part, self.pad_id)
                for at in range(0, len(prompts), rows)
            ]
            columns.append(torch.cat(pieces))
        return torch.cat(columns, dim=1)

    def scores_each(
        self, prompts: Sequence[Sequence[int]], targets: Sequence[Sequence[Continuation]]
    ) -> list[torch.Tensor]:
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
        scores = answer_scores(self.model, rows, [item.answer for _, item in pairs], self.pad_id)
        return list(torch.split(scores, [len(own) for own in targets]))


def score_continuations(
    model: Any, prompts: Sequence[Sequence[int]], trie: TokenTrie, pad_id: int
) -> torch.Tensor:
    """Return float32 [prompts, continuations]: summed log-probabilities, by tree attention.

    Gradients flow. Raises GuardError where a row is longer than the model's context or than its
    sliding window, which a ready-made mask overrules.
    """
    import torch

    return torch.stack(score_tries(model, prompts, [trie] * len(prompts), pad_id))


def score_tries(
    model: Any, prompts: Sequence[Sequence[int]], tries: Sequence[TokenTrie], pad_id: int
) -> list[torch.Tensor]:
    """Score a trie of its own for every prompt; as `score_continuations`, one [n] a prompt."""
    import torch

    longest = max(len(prompt) + trie.depth for prompt, trie in zip(prompts, tries, strict=True))
    if longest > (limit := tree_limit(model)):
        raise GuardError(
            f"a row of {longest} tokens was to be scored, and the model sees {limit}: "
            "shorten the document"
        )
    hidden = _tree_states(model, prompts, tries, pad_id)
    width = max(map(len, prompts))
    rows: list[int] = []
    columns: list[int] = []
    places, tokens = [], []
    for row, trie in enumerate(tries):
        offset = len(columns)
        columns += [width + predictor for predictor in trie.predictors]
        rows += [row] * len(trie.predictors)
        edge_places, edge_tokens = trie.edge_table
        places.append(edge_places + offset)
        tokens.append(edge_tokens)
    device = hidden.device
    states = hidden[torch.tensor(rows, device=device), torch.tensor(columns, device=device)]
    scored = _token_log_probabilities(
        model, states, torch.cat(places).to(device), torch.cat(tokens).to(device)
    )
    each = torch.split(scored, [len(trie.edges) for trie in tries])
    zero = scored.new_zeros(1)
    return [
        torch.cat([edges, zero])[trie.path_table.to(device)].sum(-1)
        for edges, trie in zip(each, tries, strict=True)
    ]


def plain_scores(
    model: Any, prompts: Sequence[Sequence[int]], trie: TokenTrie, pad_id: int
) -> torch.Tensor:
    """Return what `score_continuations` does, with a row for every prompt and continuation."""
    rows = [(*prompt, *item.context) for prompt in prompts for item in trie.continuations]
    answers = [item.answer for _ in prompts for item in trie.continuations]
    scores = answer_scores(model, rows, answers, pad_id)
    return scores.view(len(prompts), len(trie.continuations))


def answer_scores(
    model: Any, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]], pad_id: int
) -> torch.Tensor:
    """Return float32 [prompts]: the log-probability of each prompt's own answer.

    Rows are padded on the left, so that all answers end in the last column and only the last
    columns reach the model's output head. Gradients flow.
    """
    import torch

    lengths = [len(p) + len(a) - 1 for p, a in zip(prompts, answers, strict=True)]
    if max(lengths) > (limit := context_length(model)):
        raise GuardError(
            f"a row of {max(lengths)} tokens was to be scored, and the model's context has "
            f"{limit}: shorten the document"
        )
    longest = max(map(len, answers))
    rows = max(1, LOGITS_AT_ONCE // (longest * model.config.get_text_config().vocab_size))
    rows = min(rows, max(1, ATTENTION_AT_ONCE // max(lengths) ** 2))
    return torch.cat(
        [
            _answer_scores(model, prompts[at : at + rows], answers[at : at + rows], pad_id)
            for at in range(0, len(prompts), rows)
        ]
    )


def tree_difference(model: Any, prompt: Sequence[int], trie: TokenTrie, pad_id: int) -> float:
    """Return how far tree and plain scores differ at most, on one prompt and on its second half.

    The half is there so that padding is tried too. At most eight continuations, spread over the
    trie, are compared. Infinite where the model cannot take a mask of four dimensions.
    """
    import torch

    step = -(-len(trie.continuations) // 8)
    prompts = [prompt, prompt[len(prompt) // 2 :]]
    some = TokenTrie.build(trie.continuations[::step])
    training = model.training
    model.eval()  # dropout would make any two passes differ
    try:
        with torch.no_grad():
            plain = plain_scores(model, prompts, some, pad_id)
            tree = score_continuations(model, prompts, trie, pad_id)[:, ::step]
    except torch.OutOfMemoryError:  # a RuntimeError, but no word about masks
        raise
    except (GuardError, TypeError, ValueError, RuntimeError):
        return float("inf")
    finally:
        model.train(training)
    difference = (tree - plain).abs().max().item()
    return difference if difference == difference else float("inf")


def split_for(model: Any, prompt_length: int, trie: TokenTrie) -> list[TokenTrie]:
    """Return the trie in as many parts as make it cheapest to score behind such a prompt.

    In one row every node meets every other, though it sees only its ancestors; in p parts the
    prompt is computed p times. A token costs its layers about 24 h^2 operations and a cell of
    the attention 4 h, h being the hidden size: wide models never split, narrow ones should.
    """
    hidden = model.config.get_text_config().hidden_size

    def cost(parts: int) -> int:
        row = prompt_length + -(-len(trie) // parts)
        return int(parts * row * (row + 6 * hidden))

    most = min(len(trie.continuations), max(1, len(trie) // 32))
    return trie.split(min(range(1, most + 1), key=cost))


def context_length(model: Any) -> int:
    """Return the number of tokens that the model's positions are made for, if they have an end."""
    limit = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return int(limit) if limit else sys.maxsize


def tree_limit(model: Any) -> int:
    """Return the longest row that a tree may have: the context, or a shorter sliding window."""
    config = model.config.get_text_config()
    window = getattr(config, "sliding_window", None)
    if getattr(config, "use_sliding_window", True) is False or window is None:
        return context_length(model)
    return min(context_length(model), int(window))


def _tree_states(
    model: Any, prompts: Sequence[Sequence[int]], tries: Sequence[TokenTrie], pad_id: int
) -> torch.Tensor:
    """Return the last hidden states [prompts, longest prompt + most nodes, width]."""
    import torch

    width, nodes = max(map(len, prompts)), max(map(len, tries))
    shape = (len(prompts), width + nodes)
    input_ids = torch.full(shape, pad_id)
    position_ids = torch.zeros(shape, dtype=torch.long)
    # Padding sees itself: a row of the mask without any key gives NaN in some kernels.
    mask = torch.eye(width + nodes, dtype=torch.bool).repeat(len(prompts), 1, 1)
    for row, (prompt, trie) in enumerate(zip(prompts, tries, strict=True)):
        start, end = width - len(prompt), width + len(trie)
        input_ids[row, start:end] = torch.tensor([*prompt, *trie.tokens])
        position_ids[row, start:width] = torch.arange(len(prompt))
        position_ids[row, width:end] = torch.tensor(trie.depths, dtype=torch.long) + len(prompt) - 1
        causal = torch.ones(len(prompt), len(prompt), dtype=torch.bool).tril()
        mask[row, start:width, start:width] = causal
        mask[row, width:end, start:width] = True
        mask[row, width:end, width:end] = trie.lineage
    embedding = model.get_input_embeddings().weight
    allowed = mask[:, None].to(embedding.device)
    if model.config._attn_implementation == "eager":  # adds the mask to the scores
        allowed = (~allowed).to(embedding.dtype) * torch.finfo(embedding.dtype).min
    output = model.base_model(
        input_ids=input_ids.to(embedding.device),
        attention_mask=allowed,
        position_ids=position_ids.to(embedding.device),
        use_cache=False,
    )
    states: torch.Tensor = output.last_hidden_state
    return states


def _token_log_probabilities(
    model: Any, states: torch.Tensor, places: torch.Tensor, tokens: torch.Tensor
) -> torch.Tensor:
    """Return float32 [edges]: log p(tokens[i]) under the distribution at states[places[i]].

    `places` ascend, so that a chunk of states meets one stretch of edges.
    """
    import torch

    chunk = max(1, LOGITS_AT_ONCE // model.config.get_text_config().vocab_size)
    starts = torch.arange(0, len(states) + chunk, chunk, device=places.device)
    bounds = torch.searchsorted(places, starts).tolist()
    pieces = []
    for number, (first, last) in enumerate(itertools.pairwise(bounds)):
        start = number * chunk
        logits = _vocabulary_logits(model, states[start : start + chunk]).float()
        normaliser = logits.logsumexp(-1)
        at = places[first:last] - start
        pieces.append(logits[at, tokens[first:last]] - normaliser[at])
    return torch.cat(pieces)


def _vocabulary_logits(model: Any, states: torch.Tensor) -> torch.Tensor:
    """Apply the output head, and the scaling or capping that some families put behind it.

    A family that does something else here is found out by `tree_difference`.
    """
    import torch

    config = model.config.get_text_config()
    head = model.get_output_embeddings()
    logits: torch.Tensor = head(states)
    if cap := getattr(config, "final_logit_softcapping", None):  # Gemma
        logits = torch.tanh(logits / cap) * cap
    if divisor := getattr(config, "logits_scaling", None):  # Granite
        logits = logits / divisor
    if factor := getattr(config, "logit_scale", None):  # Cohere
        logits = logits * factor
    return logits


def _answer_scores(
    model: Any, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]], pad_id: int
) -> torch.Tensor:
    """Score one batch of `answer_scores`."""
    import torch

    device = model.get_input_embeddings().weight.device
    rows = [[*p, *a[:-1]] for p, a in zip(prompts, answers, strict=True)]
    input_ids, attention_mask = pad(rows, pad_id, side="left")
    targets, scored = pad(answers, 0, side="left")
    check_left_padded(attention_mask)
    logits = model(
        input_ids=input_ids.to(device),
        attention_mask=attention_mask.to(device),
        position_ids=(attention_mask.cumsum(-1) - 1).clamp(min=0).to(device),
        logits_to_keep=targets.shape[1],
        use_cache=False,
    ).logits.float()
    log_probabilities = logits.log_softmax(-1).gather(-1, targets.to(device)[..., None])[..., 0]
    return torch.where(scored.to(device) == 1, log_probabilities, 0.0).sum(-1)

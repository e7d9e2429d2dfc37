"""Scores for training: a prompt and its own continuations in one row, one pass per batch.

A row is [padding | prompt | nodes of the prompt's trie]. This is the row of the prompt P Q and of
the continuations `A B x` and `A C y`. Their last tokens x and y need no node, because B and C
predict them:

    P - Q - A --+-- B --> x          sees:     pad   P   Q   A   B   C      position
                +-- C --> y            pad      #                              -
                                       P            #                          0
                                       Q            #   #                      1
                                       A            #   #   #                  2
                                       B            #   #   #   #              3
                                       C            #   #   #       #          3

A node sees the prompt, its ancestors and itself, and stands where it would stand alone:

    position(node) = tokens of the prompt + depth(node) - 1
    log p(continuation | prompt) = sum over its scored tokens of log p(token | parent of the token)

So the state of a node is what the model computes for that continuation alone (tree attention:
Miao et al. 2024, SpecInfer, section 4.2). A prompt with a single continuation is an ordinary
row. Gradients flow. The output head runs only at the nodes that predict a scored token.

What all prompts begin with may be read before (`beginning`); the prompts are then given without
it, and every token stands that much later and sees it whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from benchbench.kit.batching import pad, to_device
from benchbench.kit.known_states import inputs_of
from benchbench.kit.scoring.beginning import Beginning, option_of
from benchbench.kit.scoring.last_layer import hidden_states_at
from benchbench.kit.scoring.limits import check_row, context_length, tree_limit
from benchbench.kit.scoring.trie import TokenTrie
from benchbench.kit.scoring.vocabulary import token_log_probabilities

if TYPE_CHECKING:
    from torch import Tensor


def chain_scores(
    model: Any, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]], pad_id: int,
    beginning: Beginning | None = None,
) -> Tensor:  # fmt: skip
    """Return float32 [prompts]: the log-probability of the answer of each prompt.

    Rows are padded on the right, where no token of theirs sees the padding: no mask is needed.
    """
    import torch

    device = model.get_input_embeddings().weight.device
    before = beginning.length if beginning is not None else 0
    rows = [[*p, *a[:-1]] for p, a in zip(prompts, answers, strict=True)]
    check_row(before + max(map(len, rows)), context_length(model))
    ids = to_device(pad(rows, pad_id)[0], device)
    predictors = [
        range(len(p) - 1, len(p) + len(a) - 1) for p, a in zip(prompts, answers, strict=True)
    ]
    columns, scored = pad(predictors, 0)
    states = hidden_states_at(
        model,
        to_device(columns, device),
        **inputs_of(model, rows, ids, beginning.ids if beginning is not None else ()),
        attention_mask=None,
        position_ids=torch.arange(before, before + ids.shape[1], device=device).expand_as(ids),
        use_cache=False,
        **option_of(beginning),
    )
    row, place = (to_device(index, device) for index in scored.nonzero(as_tuple=True))
    tokens = to_device(torch.tensor([token for answer in answers for token in answer]), device)
    places = torch.arange(len(row))
    token_scores = token_log_probabilities(model, states[row, place], places, tokens)
    return token_scores.new_zeros(len(rows)).index_add(0, row, token_scores)


def score_tries(
    model: Any, prompts: Sequence[Sequence[int]], tries: Sequence[TokenTrie], pad_id: int,
    beginning: Beginning | None = None,
) -> list[Tensor]:  # fmt: skip
    """Return float32 [continuations] per prompt and its trie: summed log-probabilities.

    Raises GuardError where a row is longer than the model's context, or than its sliding window,
    which a tree mask replaces.
    """
    import torch

    before = beginning.length if beginning is not None else 0
    longest = max(len(prompt) + trie.depth for prompt, trie in zip(prompts, tries, strict=True))
    check_row(before + longest, tree_limit(model))
    hidden = _tree_states(model, prompts, tries, pad_id, beginning)
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
    states = hidden[to_device(torch.tensor(rows), device), to_device(torch.tensor(columns), device)]
    following = to_device(torch.cat(tokens), device)
    scored = token_log_probabilities(model, states, torch.cat(places), following)
    edges_of_tries = torch.split(scored, [len(trie.edges) for trie in tries])
    zero = scored.new_zeros(1)
    return [
        torch.cat([edges, zero])[to_device(trie.path_table, device)].sum(-1)
        for edges, trie in zip(edges_of_tries, tries, strict=True)
    ]


def _tree_states(
    model: Any, prompts: Sequence[Sequence[int]], tries: Sequence[TokenTrie], pad_id: int,
    beginning: Beginning | None,
) -> Tensor:  # fmt: skip
    """Return the final hidden states [prompts, longest prompt + most nodes, width]."""
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
    before = beginning.length if beginning is not None else 0
    embedding = model.get_input_embeddings().weight
    allowed = to_device(mask[:, None], embedding.device)
    if model.config._attn_implementation == "eager":  # eager attention adds the mask
        allowed = (~allowed).to(embedding.dtype) * torch.finfo(embedding.dtype).min
    output = model.base_model(
        input_ids=to_device(input_ids, embedding.device),
        attention_mask=allowed,
        position_ids=to_device(position_ids + before, embedding.device),
        use_cache=False,
        **option_of(beginning),
    )
    states: Tensor = output.last_hidden_state
    return states

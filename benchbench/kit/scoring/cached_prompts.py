"""The prefix cache: prompts are read once, then scored with any continuations.

    prompts            keys and values             followed by one pass per trie
    a b c                . . a b c                 . . a b c | A B C
    d e f g h            d e f g h                 d e f g h | A B C

    (. is padding, which no token sees)            A B C are the nodes of the trie

    plain     tokens read = prompts x continuations x (prompt + continuation)
    cached    tokens read = prompts x (prompt + nodes)

A node sees the prompt, its ancestors and itself, at position prompt length + depth - 1;
`tree_scoring` draws that mask. `states_after` reads nodes and leaves the cache as it is.
`followed_by` reads more tokens and returns a longer cache, so a list of labels grows without
reading its document again. The common beginning of all prompts is read once and not copied per
prompt (`beginning`). The output head runs only at nodes that predict a scored token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from benchbench.kit.batching import pad
from benchbench.kit.scoring.beginning import Beginning, option_of
from benchbench.kit.scoring.last_layer import hidden_states_at
from benchbench.kit.scoring.limits import check_row, tree_limit
from benchbench.kit.scoring.passing_cache import passing_cache
from benchbench.kit.scoring.trie import TokenTrie
from benchbench.kit.scoring.vocabulary import token_log_probabilities

if TYPE_CHECKING:
    from torch import Tensor

ATTENTION_AT_ONCE = 32 * 2**20
"""The most cells of the attention mask per pass."""
FEWEST_NODES = 64
"""A trie of up to so many nodes is never split."""

KeysAndValues = tuple[tuple["Tensor", "Tensor"], ...]
"""Keys and values per layer."""


@dataclass(frozen=True, slots=True)
class CachedPrompts:
    """A batch of prompts that the model has read.

    `layers` are keys and values [batch, heads, columns, head width] per layer, without those of
    `beginning`, which all prompts share. `visible` bool [batch, columns] says which columns are
    tokens of a prompt. `sizes` count the tokens of each prompt with its beginning, and `lengths`
    int64 [batch] are the same on the device, so that nobody waits for them. `ends` [batch, width]
    are the final hidden states of the prompts' last tokens.
    """

    model: Any
    pad_id: int
    layers: KeysAndValues
    visible: Tensor
    lengths: Tensor
    sizes: tuple[int, ...]
    ends: Tensor
    beginning: Beginning | None = None

    @classmethod
    def of(
        cls, model: Any, prompts: Sequence[Sequence[int]], pad_id: int,
        beginning: Beginning | None = None,
    ) -> CachedPrompts:  # fmt: skip
        """Read prompts, which follow the beginning; each must have at least one token."""
        import torch

        weight = model.get_input_embeddings().weight
        rows = len(prompts)
        nothing = torch.zeros(rows, 0, dtype=torch.bool, device=weight.device)
        before = beginning.length if beginning is not None else 0
        lengths = torch.full((rows,), before, device=weight.device)
        ends = torch.zeros(rows, weight.shape[-1], device=weight.device)
        sizes = (before,) * rows
        empty = cls(model, pad_id, (), nothing, lengths, sizes, ends, beginning)
        return empty.followed_by(range(rows), prompts)

    def followed_by(self, rows: Sequence[int], pieces: Sequence[Sequence[int]]) -> CachedPrompts:
        """Return the prompts `rows`, each followed by its own piece of at least one token.

        A row may be repeated. Raises GuardError where a prompt becomes longer than the context or
        the sliding window.
        """
        import torch

        device = self.visible.device
        index = torch.tensor(list(rows), device=device)
        ids, mask = (tensor.to(device) for tensor in pad(pieces, self.pad_id, side="left"))
        before = self.lengths[index]
        sizes = tuple(self.sizes[row] + len(piece) for row, piece in zip(rows, pieces, strict=True))
        check_row(max(sizes), tree_limit(self.model))
        visible = torch.cat([self.visible[index], mask.bool()], dim=1)
        cache = _cache(tuple((_rows(k, index), _rows(v, index)) for k, v in self.layers))
        ends = hidden_states_at(
            self.model,
            torch.full((len(index), 1), ids.shape[1] - 1, device=device),
            input_ids=ids,
            attention_mask=visible.long(),
            position_ids=before[:, None] + (mask.cumsum(-1) - 1).clamp(min=0),
            past_key_values=cache,
            use_cache=True,
            **option_of(self.beginning),
        )[:, 0]
        lengths = before + mask.sum(-1)
        return replace(
            self, layers=_layers(cache), visible=visible, lengths=lengths, sizes=sizes, ends=ends
        )

    def scores(self, trie: TokenTrie) -> Tensor:
        """Return float32 [prompts, continuations]: summed log-probabilities.

        Raises GuardError where a row is longer than the context or the sliding window.
        """
        import torch

        check_row(max(self.sizes) + trie.depth, tree_limit(self.model))
        return torch.cat([self._part(part) for part in parts_of(self.model, trie)], dim=1)

    def states_after(
        self, ids: Tensor, depths: Tensor, seen: Tensor, columns: Tensor | None = None
    ) -> Tensor:
        """Return the final hidden states of new tokens, at `columns` [batch, n] or at all of them.

        `ids` int64 [batch, tokens] stand `depths` tokens after the prompt's last token. `seen`
        bool [batch, tokens, columns + tokens] says what each new token sees. The cache does not
        change.
        """
        cache = passing_cache(
            [partial(list, [layer]) for layer in self.layers], self.visible.shape[1]
        )
        positions = self.lengths[:, None] - 1 + depths
        return states_after_cache(
            self.model, cache, ids, positions, seen, columns, beginning=self.beginning
        )

    def rows(self, selection: slice) -> CachedPrompts:
        """Return some of the prompts."""
        return replace(
            self,
            layers=tuple((keys[selection], values[selection]) for keys, values in self.layers),
            visible=self.visible[selection],
            lengths=self.lengths[selection],
            sizes=self.sizes[selection],
            ends=self.ends[selection],
        )

    def _part(self, trie: TokenTrie) -> Tensor:
        """Return the scores of one part of a trie, for as many prompts per pass as fit."""
        import torch

        wide = max(1, len(trie) * (self.visible.shape[1] + len(trie)))
        rows = max(1, ATTENTION_AT_ONCE // wide)
        return torch.cat(
            [
                _scores(self.rows(slice(first, first + rows)), trie)
                for first in range(0, len(self.lengths), rows)
            ]
        )


def states_after_cache(
    model: Any, cache: Any, ids: Tensor, positions: Tensor, seen: Tensor,
    columns: Tensor | None = None, *, beginning: Beginning | None = None,
) -> Tensor:  # fmt: skip
    """Return the final hidden states of new tokens, at `columns` [batch, n] or at all of them.

    `ids` and `positions` are int64 [batch, tokens]. `seen` bool [batch, tokens, earlier columns +
    tokens] says what each token sees: first of the cache, then of the new tokens. All of them see
    the `beginning`.
    """
    import torch

    dtype = model.get_input_embeddings().weight.dtype
    # In the form that is added to attention scores: every layer would convert a boolean mask.
    added = torch.zeros(seen.shape, dtype=dtype, device=seen.device)
    inputs = {
        "input_ids": ids,
        "attention_mask": added.masked_fill_(~seen, torch.finfo(dtype).min)[:, None],
        "position_ids": positions,
        "past_key_values": cache,
        "use_cache": True,
        **option_of(beginning),
    }
    if columns is not None:
        return hidden_states_at(model, columns, **inputs)
    states: Tensor = model.base_model(**inputs).last_hidden_state
    return states


def parts_of(model: Any, trie: TokenTrie) -> list[TokenTrie]:
    """Return the trie in parts, each of which is scored in one pass.

    In a pass every node is compared with every other, though it sees only its ancestors. With the
    hidden size h, a token costs a layer about 24 h^2 operations and a cell of the attention 4 h.
    So with 3/4 h nodes, attention between nodes is an eighth of the work. Wide models hardly ever
    need a second part.
    """
    hidden = model.config.get_text_config().hidden_size
    most = max(FEWEST_NODES, 3 * hidden // 4)
    return trie.split(max(1, -(-len(trie) // most)))


def _scores(prompts: CachedPrompts, trie: TokenTrie) -> Tensor:
    """Return float32 [prompts, continuations] in one pass."""
    import torch

    device, rows, nodes = prompts.visible.device, len(prompts.lengths), len(trie)
    predictors = torch.tensor(trie.predictors, device=device)
    states = prompts.ends[:, None]
    if nodes:
        seen = torch.cat(
            [
                prompts.visible[:, None].expand(-1, nodes, -1),
                trie.lineage.to(device).expand(rows, -1, -1),
            ],
            dim=2,
        )
        columns = predictors[predictors >= 0].expand(rows, -1)
        ids = torch.tensor(trie.tokens, device=device).expand(rows, -1)
        depths = torch.tensor(trie.depths, device=device)
        all_predict = columns.shape[1] == nodes
        node_states = prompts.states_after(ids, depths, seen, None if all_predict else columns)
        states = torch.cat([states, node_states], dim=1)
    first = 0 if trie.predictors[0] < 0 else 1  # whether the prompt's end predicts a scored token
    states = states[:, first:]
    places, tokens = (tensor.to(device) for tensor in trie.edge_table)
    width = states.shape[1]
    scored = token_log_probabilities(
        prompts.model,
        states.reshape(rows * width, -1),
        (torch.arange(rows, device=device)[:, None] * width + places).flatten(),
        tokens.repeat(rows),
    ).view(rows, -1)
    padded = torch.cat([scored, scored.new_zeros(rows, 1)], dim=1)
    return padded[:, trie.path_table.to(device)].sum(-1)


def _rows(tensor: Tensor, index: Tensor) -> Tensor:
    """Return the rows `index`; a single row is repeated without a copy."""
    if len(tensor) == 1:
        return tensor.expand(len(index), *tensor.shape[1:])
    return tensor[index]


def _cache(layers: KeysAndValues) -> Any:
    """Return a transformers cache that begins with these keys and values and never changes them."""
    from transformers.cache_utils import DynamicCache, DynamicLayer

    cache = DynamicCache()
    for keys, values in layers:
        layer = DynamicLayer()
        layer.lazy_initialization(keys, values)
        layer.keys, layer.values = keys, values  # `update` makes new tensors
        cache.layers.append(layer)
    return cache


def _layers(cache: Any) -> KeysAndValues:
    return tuple((layer.keys, layer.values) for layer in cache.layers)

"""Prompts that are read once, whatever is asked behind them.

A reading holds the keys and values of its tokens. A trie of continuations is scored against them
in one pass: a node sees the prompt, its ancestors and itself, and stands at the position it would
have had on its own, so that its state is what the model computes for that continuation alone
(tree attention: Miao et al. 2024, SpecInfer, section 4.2). The last token of a continuation needs
no node, for its parent's distribution holds its probability, and the output head runs only at
nodes that predict something.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from benchbench.kit.batching import pad
from benchbench.kit.scoring.last_layer import states_at
from benchbench.kit.scoring.limits import check_row, tree_limit
from benchbench.kit.scoring.passing_cache import passing_cache
from benchbench.kit.scoring.trie import TokenTrie
from benchbench.kit.scoring.vocabulary import token_log_probabilities

if TYPE_CHECKING:
    from torch import Tensor

ATTENTION_AT_ONCE = 32 * 2**20
"""Cells of the attention mask of one pass."""
FEWEST_NODES = 64

KeysAndValues = tuple[tuple["Tensor", "Tensor"], ...]


@dataclass(frozen=True, slots=True)
class CachedReading:
    """A batch of prompts as the model has read them.

    `layers` are keys and values [batch, heads, columns, head width]; `visible` bool [batch,
    columns] says which columns are tokens of a prompt; `lengths` int64 [batch] counts them; `ends`
    [batch, width] are the final hidden states of the last ones.
    """

    model: Any
    pad_id: int
    layers: KeysAndValues
    visible: Tensor
    lengths: Tensor
    ends: Tensor

    @classmethod
    def of(cls, model: Any, prompts: Sequence[Sequence[int]], pad_id: int) -> CachedReading:
        """Read prompts, each of which has a token."""
        import torch

        weight = model.get_input_embeddings().weight
        rows = len(prompts)
        nothing = torch.zeros(rows, 0, dtype=torch.bool, device=weight.device)
        lengths = torch.zeros(rows, dtype=torch.long, device=weight.device)
        ends = torch.zeros(rows, weight.shape[-1], device=weight.device)
        return cls(model, pad_id, (), nothing, lengths, ends).extended(range(rows), prompts)

    def extended(self, rows: Sequence[int], pieces: Sequence[Sequence[int]]) -> CachedReading:
        """Return a reading of the prompts `rows`, each followed by its piece of some tokens."""
        import torch

        device = self.visible.device
        index = torch.tensor(list(rows), device=device)
        ids, mask = (tensor.to(device) for tensor in pad(pieces, self.pad_id, side="left"))
        before = self.lengths[index]
        lengths = before + mask.sum(-1)
        check_row(int(lengths.max()), tree_limit(self.model))
        visible = torch.cat([self.visible[index], mask.bool()], dim=1)
        cache = _cache(tuple((_rows(k, index), _rows(v, index)) for k, v in self.layers))
        ends = states_at(
            self.model,
            torch.full((len(index), 1), ids.shape[1] - 1, device=device),
            input_ids=ids,
            attention_mask=visible.long(),
            position_ids=before[:, None] + (mask.cumsum(-1) - 1).clamp(min=0),
            past_key_values=cache,
            use_cache=True,
        )[:, 0]
        return CachedReading(self.model, self.pad_id, _layers(cache), visible, lengths, ends)

    def scores(self, trie: TokenTrie) -> Tensor:
        """Return float32 [prompts, continuations]: each one's summed log-probability.

        Raises GuardError where a row is longer than the context or than the sliding window.
        """
        import torch

        check_row(int(self.lengths.max()) + trie.depth, tree_limit(self.model))
        return torch.cat([self._part(part) for part in parts_of(self.model, trie)], dim=1)

    def asked(
        self, ids: Tensor, depths: Tensor, seen: Tensor, columns: Tensor | None = None
    ) -> Tensor:
        """Return the final hidden states of new tokens, at `columns` [batch, n] or all of them.

        `ids` int64 [batch, tokens] stand `depths` tokens behind their prompts' last ones; `seen`
        bool [batch, tokens, columns + tokens] says what each sees. No prompt grows.
        """
        cache = passing_cache(
            [partial(list, [layer]) for layer in self.layers], self.visible.shape[1]
        )
        positions = self.lengths[:, None] - 1 + depths
        return states_behind(self.model, cache, ids, positions, seen, columns)

    def only(self, rows: slice) -> CachedReading:
        """Return the reading of some of the prompts."""
        layers = tuple((keys[rows], values[rows]) for keys, values in self.layers)
        one = (self.visible[rows], self.lengths[rows], self.ends[rows])
        return CachedReading(self.model, self.pad_id, layers, *one)

    def _part(self, trie: TokenTrie) -> Tensor:
        """Score one part of a trie, as many prompts at once as fit."""
        import torch

        wide = max(1, len(trie) * (self.visible.shape[1] + len(trie)))
        rows = max(1, ATTENTION_AT_ONCE // wide)
        return torch.cat(
            [
                _scores(self.only(slice(first, first + rows)), trie)
                for first in range(0, len(self.lengths), rows)
            ]
        )


def states_behind(
    model: Any, cache: Any, ids: Tensor, positions: Tensor, seen: Tensor,
    columns: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Return the final hidden states of new tokens, at `columns` [batch, n] or all of them.

    `ids` and `positions` are int64 [batch, tokens], `seen` bool [batch, tokens, earlier columns +
    tokens]: what each sees of the cache and of the new.
    """
    import torch

    dtype = model.get_input_embeddings().weight.dtype
    # as what is added to the scores: a mask of yes and no every layer would turn into that
    added = torch.zeros(seen.shape, dtype=dtype, device=seen.device)
    inputs = {
        "input_ids": ids,
        "attention_mask": added.masked_fill_(~seen, torch.finfo(dtype).min)[:, None],
        "position_ids": positions,
        "past_key_values": cache,
        "use_cache": True,
    }
    if columns is not None:
        return states_at(model, columns, **inputs)
    states: Tensor = model.base_model(**inputs).last_hidden_state
    return states


def parts_of(model: Any, trie: TokenTrie) -> list[TokenTrie]:
    """Return the trie in parts, each of which is scored in one pass.

    In a pass every node meets every other, though it sees only its ancestors. A token costs its
    layers about 24 h^2 operations and a cell of the attention 4 h, h being the hidden size: with
    3/4 h nodes, attention to nodes is an eighth of the work. Wide models hardly ever split.
    """
    hidden = model.config.get_text_config().hidden_size
    most = max(FEWEST_NODES, 3 * hidden // 4)
    return trie.split(max(1, -(-len(trie) // most)))


def _scores(reading: CachedReading, trie: TokenTrie) -> Tensor:
    """Return float32 [prompts, continuations] in one pass."""
    import torch

    device, rows, nodes = reading.visible.device, len(reading.lengths), len(trie)
    predictors = torch.tensor(trie.predictors, device=device)
    states = reading.ends[:, None]
    if nodes:
        seen = torch.cat(
            [
                reading.visible[:, None].expand(-1, nodes, -1),
                trie.lineage.to(device).expand(rows, -1, -1),
            ],
            dim=2,
        )
        behind = predictors[predictors >= 0].expand(rows, -1)
        ids = torch.tensor(trie.tokens, device=device).expand(rows, -1)
        depths = torch.tensor(trie.depths, device=device)
        every = behind.shape[1] == nodes
        found = reading.asked(ids, depths, seen, None if every else behind)
        states = torch.cat([states, found], dim=1)
    first = 0 if trie.predictors[0] < 0 else 1  # whether the prompt's end predicts anything
    states = states[:, first:]
    places, tokens = (tensor.to(device) for tensor in trie.edge_table)
    width = states.shape[1]
    scored = token_log_probabilities(
        reading.model,
        states.reshape(rows * width, -1),
        (torch.arange(rows, device=device)[:, None] * width + places).flatten(),
        tokens.repeat(rows),
    ).view(rows, -1)
    padded = torch.cat([scored, scored.new_zeros(rows, 1)], dim=1)
    return padded[:, trie.path_table.to(device)].sum(-1)


def _rows(tensor: Tensor, index: Tensor) -> Tensor:
    """Return the rows `index`, without a copy where one row is repeated."""
    if len(tensor) == 1:
        return tensor.expand(len(index), *tensor.shape[1:])
    return tensor[index]


def _cache(layers: KeysAndValues) -> Any:
    """Return a cache that begins with these keys and values, and leaves them as they are."""
    from transformers.cache_utils import DynamicCache, DynamicLayer

    cache = DynamicCache()
    for keys, values in layers:
        layer = DynamicLayer()
        layer.lazy_initialization(keys, values)
        layer.keys, layer.values = keys, values  # an update makes new tensors
        cache.layers.append(layer)
    return cache


def _layers(cache: Any) -> KeysAndValues:
    return tuple((layer.keys, layer.values) for layer in cache.layers)

"""Branches of the label trie, read after many prompts together.

Prompts need different branches, and different numbers of them. A row holds some branches of one
prompt. It sees the prompt, the tokens above its branches, and the branches themselves:

    prompt 1:   | a b c | 7 8 | 5  9 |      7 8 was read earlier; 5 and 9 are two branches below it
    prompt 1:   | a b c |     | 4    |
    prompt 2:   | d e   | 7 8 | 9    |      prompt 2 does not need the branch that begins with 5
                  cache  above  row

Keys and values of branches that others follow are kept in one place for all prompts, and are put
before the rows that need them. So no token is read twice, and a prompt with few branches is not
padded to the length of one with many.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from benchbench.kit.scoring.branch_table import BranchTable
from benchbench.kit.scoring.cached_prompts import CachedPrompts, KeysAndValues, states_after_cache
from benchbench.kit.scoring.passing_cache import Pieces, passing_cache
from benchbench.kit.scoring.radix import RadixTrie
from benchbench.kit.scoring.vocabulary import token_log_probabilities

if TYPE_CHECKING:
    from torch import Tensor

ROW_TOKENS = 28
"""About how many tokens are in a row. Attention compares every token of a row with every other."""
PASS_TOKENS = 512
"""About how many tokens are read per pass. What a layer computes for so many stays in a
processor's cache, and the few rows of a pass need hardly any padding."""
COLUMNS = 16
"""The columns of an attention are a multiple of this. A processor takes so many at once, and the
rest of an incomplete group costs more than a full one."""


@dataclass(slots=True)
class BranchRow:
    """Branches of one prompt that are read in one row.

    `tokens` are the entries of `branches` in the table, `above` the entries of `parents`, all
    branches above them.
    """

    prompt: int
    branches: list[int] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    parents: set[int] = field(default_factory=set)
    above: list[int] = field(default_factory=list)


class BranchReader:
    """Reads branches after prompts; the parents of a branch must have been read. No gradients.

    `kept` are, per layer, keys and values [tokens, heads, head width] of tokens that branches
    follow. `places` [prompts, entries of the table] says where those of a prompt are. Place 0 is
    for padding.
    """

    def __init__(self, prompts: CachedPrompts, trie: RadixTrie) -> None:
        """Begin right after the prompts."""
        import torch

        device = prompts.visible.device
        self.prompts, self.trie = prompts, trie
        self.table = BranchTable.of(trie, device)
        self.kept = [(keys[:1, :, 0], values[:1, :, 0]) for keys, values in prompts.layers]
        rows = (len(prompts.visible), self.table.nothing + 1)
        self.places = torch.zeros(rows, dtype=torch.long, device=device)

    def read(self, wanted: Sequence[Sequence[int]]) -> list[dict[int, list[float]]]:
        """Return, per prompt, the log-probabilities of the edges of its wanted branches."""
        import torch

        edges: list[dict[int, list[float]]] = [{} for _ in wanted]
        rows = [row for prompt, some in enumerate(wanted) for row in self._rows(prompt, some)]
        first, more = len(self.kept[0][0]), list[KeysAndValues]()
        for batch in passes(rows):
            prompts = torch.tensor([row.prompt for row in batch], device=self.places.device)
            tokens = self._padded([row.tokens for row in batch])
            states, layers = self._states(prompts, batch, tokens)
            scores = iter(self._scores(tokens, states))
            for row in batch:
                for index in row.branches:
                    edges[row.prompt][index] = list(islice(scores, self.trie.branches[index].edges))
            more.append(self._followed(prompts, tokens, layers, first))
            first += len(more[-1][0][0])
        self._keep(more)
        return edges

    def _rows(self, prompt: int, wanted: Sequence[int]) -> list[BranchRow]:
        """Return a prompt's branches in rows of similar length.

        The longest branch comes first; each branch goes to the row that is shortest so far.
        """
        lengths = {index: len(self.table.entries(index)) for index in wanted}
        count = max(1, round(sum(lengths.values()) / ROW_TOKENS))
        rows = [BranchRow(prompt) for _ in range(count)] if wanted else []
        for index in sorted(wanted, key=lambda index: (-lengths[index], index)):
            self._add(min(rows, key=lambda row: len(row.tokens)), index)
        return [row for row in rows if row.branches]

    def _add(self, row: BranchRow, index: int) -> None:
        """Add a branch to a row, and the branches above it that the row does not have yet."""
        row.branches.append(index)
        row.tokens += self.table.entries(index)
        parent = self.trie.branches[index].parent
        while parent is not None and parent not in row.parents:
            row.parents.add(parent)
            row.above += self.table.entries(parent)
            parent = self.trie.branches[parent].parent

    def _padded(self, rows: Sequence[list[int]], more: int = 0) -> Tensor:
        """Return int64 [rows, longest + more], padded with the entry that is no token."""
        import torch

        longest, nothing = max(map(len, rows)) + more, [self.table.nothing]
        padded = [row + nothing * (longest - len(row)) for row in rows]
        return torch.tensor(padded, dtype=torch.long, device=self.places.device)

    def _states(
        self, prompts: Tensor, rows: Sequence[BranchRow], tokens: Tensor
    ) -> tuple[Tensor, KeysAndValues]:
        """Return the final hidden states [rows, longest, width], and keys and values per layer."""
        import torch

        table, visible = self.table, self.prompts.visible[prompts]
        seen_at_most = visible.shape[1] + max(len(row.above) for row in rows) + tokens.shape[1]
        above = self._padded([row.above for row in rows], -seen_at_most % COLUMNS)
        prompt = visible[:, None].expand(-1, tokens.shape[1], -1)
        seen = torch.cat([prompt, table.seen(tokens, above), table.seen(tokens, tokens)], dim=2)
        places = self.places[prompts[:, None], above]
        earlier = [
            partial(self._earlier, layer, prompts, places) for layer in range(len(self.kept))
        ]
        cache = passing_cache(earlier, seen.shape[2] - tokens.shape[1])
        positions = self.prompts.lengths[prompts][:, None] - 1 + table.depths[tokens]
        model, ids = self.prompts.model, table.tokens[tokens]
        beginning = self.prompts.beginning
        states = states_after_cache(model, cache, ids, positions, seen, beginning=beginning)
        return states, tuple((layer.keys, layer.values) for layer in cache.layers)

    def _earlier(self, layer: int, prompts: Tensor, places: Tensor) -> Pieces:
        """Return a layer's keys and values of the prompts, and those kept at `places`."""
        keys, values = self.prompts.layers[layer]
        above, above_values = (_taken(kept, places) for kept in self.kept[layer])
        return [(keys[prompts], values[prompts]), (above, above_values)]

    def _scores(self, tokens: Tensor, states: Tensor) -> list[float]:
        """Return the log-probabilities of all edges, row by row."""
        read = tokens != self.table.nothing
        places, following = self.table.edges(tokens[read])
        scored = token_log_probabilities(self.prompts.model, states[read], places, following)
        scores: list[float] = scored.tolist()
        return scores

    def _followed(
        self, prompts: Tensor, tokens: Tensor, layers: KeysAndValues, first: int
    ) -> KeysAndValues:
        """Return keys and values of tokens that branches follow, and note their places.

        They take the places from `first` on.
        """
        import torch

        rows, columns = self.table.below[tokens].nonzero(as_tuple=True)
        taken = torch.arange(first, first + len(rows), device=rows.device)
        self.places[prompts[rows], tokens[rows, columns]] = taken
        return tuple((keys[rows, :, columns], values[rows, :, columns]) for keys, values in layers)

    def _keep(self, more: Sequence[KeysAndValues]) -> None:
        """Append keys and values to `kept`, layer by layer, so that only one is in memory twice."""
        import torch

        for number, (keys, values) in enumerate(self.kept):
            new = [layers[number] for layers in more]
            self.kept[number] = (
                torch.cat([keys, *(new_keys for new_keys, _ in new)]),
                torch.cat([values, *(new_values for _, new_values in new)]),
            )


def passes(rows: Sequence[BranchRow]) -> Iterator[list[BranchRow]]:
    """Yield the rows, shortest first, in batches of about `PASS_TOKENS` tokens."""
    batch: list[BranchRow] = []
    for row in sorted(rows, key=lambda row: len(row.tokens)):
        if batch and (len(batch) + 1) * len(row.tokens) > PASS_TOKENS:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _taken(kept: Tensor, places: Tensor) -> Tensor:
    """Return [batch, heads, columns, head width]: what is kept at `places` [batch, columns]."""
    taken = kept.index_select(0, places.flatten())  # half the time of kept[places]
    return taken.view(*places.shape, *kept.shape[1:]).transpose(1, 2)

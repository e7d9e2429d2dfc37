"""Branches of many prompts' labels, read together.

Each prompt asks for other branches, and for another number of them. A row holds some of one
prompt's branches. It sees the prompt and, of all that was read before, what stands above its own
branches: their keys and values are kept, in one place for all prompts, and put before the rows
that need them. So nothing is read twice, and no prompt is padded to an unsure one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from benchbench.kit.scoring.branch_table import BranchTable
from benchbench.kit.scoring.cached_reading import CachedReading, KeysAndValues, states_behind
from benchbench.kit.scoring.passing_cache import Pieces, passing_cache
from benchbench.kit.scoring.radix import RadixTrie
from benchbench.kit.scoring.vocabulary import token_log_probabilities

if TYPE_CHECKING:
    from torch import Tensor

ROW_TOKENS = 28
"""About so many tokens are a row: in a row each meets each."""
PASS_TOKENS = 512
"""About how many tokens are read in a pass: what a layer computes of so many stays in a
processor's own cache, and among so few rows' worth hardly any is padded."""
COLUMNS = 16
"""An attention's columns are a multiple of this: a processor takes so many at once, and what is
left over costs more than whole ones."""


@dataclass(slots=True)
class Row:
    """Branches of one prompt that are read in one row.

    `tokens` are those of `branches`, `above` those of `parents`, each an entry of the table.
    """

    prompt: int
    branches: list[int] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    parents: set[int] = field(default_factory=set)
    above: list[int] = field(default_factory=list)


class BranchReader:
    """Reads branches behind prompts, those whose parents it has read. No gradients.

    `kept` are keys and values [tokens, heads, head width] of what branches follow; `places`
    [prompts, entries of the table] says where a prompt's are. The first is there to fill up.
    """

    def __init__(self, reading: CachedReading, trie: RadixTrie) -> None:
        """Begin behind the prompts of a reading."""
        import torch

        device = reading.visible.device
        self.reading, self.trie = reading, trie
        self.table = BranchTable.of(trie, device)
        self.kept = [(keys[:1, :, 0], values[:1, :, 0]) for keys, values in reading.layers]
        rows = (len(reading.visible), self.table.nothing + 1)
        self.places = torch.zeros(rows, dtype=torch.long, device=device)

    def read(self, wanted: Sequence[Sequence[int]]) -> list[dict[int, list[float]]]:
        """Return, for every prompt, the log-probabilities of the edges of its wanted branches."""
        import torch

        found: list[dict[int, list[float]]] = [{} for _ in wanted]
        rows = [row for prompt, own in enumerate(wanted) for row in self._rows(prompt, own)]
        first, more = len(self.kept[0][0]), list[KeysAndValues]()
        for some in passes(rows):
            prompts = torch.tensor([row.prompt for row in some], device=self.places.device)
            tokens = self._filled([row.tokens for row in some])
            states, layers = self._states(prompts, some, tokens)
            scores = iter(self._scores(tokens, states))
            for row in some:
                for index in row.branches:
                    found[row.prompt][index] = list(islice(scores, self.trie.branches[index].edges))
            more.append(self._followed(prompts, tokens, layers, first))
            first += len(more[-1][0][0])
        self._keep(more)
        return found

    def _rows(self, prompt: int, wanted: Sequence[int]) -> list[Row]:
        """Return a prompt's branches in rows of like length: the longest first, then what fits."""
        lengths = {index: len(self.table.entries(index)) for index in wanted}
        count = max(1, round(sum(lengths.values()) / ROW_TOKENS))
        rows = [Row(prompt) for _ in range(count)] if wanted else []
        for index in sorted(wanted, key=lambda index: (-lengths[index], index)):
            self._add(min(rows, key=lambda row: len(row.tokens)), index)
        return [row for row in rows if row.branches]

    def _add(self, row: Row, index: int) -> None:
        """Put a branch into a row, and what is above it where that is not there yet."""
        row.branches.append(index)
        row.tokens += self.table.entries(index)
        parent = self.trie.branches[index].parent
        while parent is not None and parent not in row.parents:
            row.parents.add(parent)
            row.above += self.table.entries(parent)
            parent = self.trie.branches[parent].parent

    def _filled(self, rows: Sequence[list[int]], more: int = 0) -> Tensor:
        """Return int64 [rows, longest + more], shorter rows filled up with what is no token."""
        import torch

        longest, nothing = max(map(len, rows)) + more, [self.table.nothing]
        filled = [row + nothing * (longest - len(row)) for row in rows]
        return torch.tensor(filled, dtype=torch.long, device=self.places.device)

    def _states(
        self, prompts: Tensor, rows: Sequence[Row], tokens: Tensor
    ) -> tuple[Tensor, KeysAndValues]:
        """Return final hidden states [rows, longest, width], and the rows' keys and values."""
        import torch

        table, prompted = self.table, self.reading.visible[prompts]
        seen_at_most = prompted.shape[1] + max(len(row.above) for row in rows) + tokens.shape[1]
        above = self._filled([row.above for row in rows], -seen_at_most % COLUMNS)
        own = prompted[:, None].expand(-1, tokens.shape[1], -1)
        seen = torch.cat([own, table.seen(tokens, above), table.seen(tokens, tokens)], dim=2)
        places = self.places[prompts[:, None], above]
        earlier = [
            partial(self._earlier, layer, prompts, places) for layer in range(len(self.kept))
        ]
        cache = passing_cache(earlier, seen.shape[2] - tokens.shape[1])
        positions = self.reading.lengths[prompts][:, None] - 1 + table.depths[tokens]
        model, ids = self.reading.model, table.tokens[tokens]
        states = states_behind(model, cache, ids, positions, seen)
        return states, tuple((layer.keys, layer.values) for layer in cache.layers)

    def _earlier(self, layer: int, prompts: Tensor, places: Tensor) -> Pieces:
        """Return a layer's keys and values of prompts, and of what is kept at `places`."""
        keys, values = self.reading.layers[layer]
        above, above_values = (_taken(kept, places) for kept in self.kept[layer])
        return [(keys[prompts], values[prompts]), (above, above_values)]

    def _scores(self, tokens: Tensor, states: Tensor) -> list[float]:
        """Return the log-probabilities of all edges, row by row."""
        read = tokens != self.table.nothing
        places, following = self.table.edges(tokens[read])
        scored = token_log_probabilities(self.reading.model, states[read], places, following)
        found: list[float] = scored.tolist()
        return found

    def _followed(
        self, prompts: Tensor, tokens: Tensor, layers: KeysAndValues, first: int
    ) -> KeysAndValues:
        """Return the keys and values of what branches follow; they take the places from `first`."""
        import torch

        rows, columns = self.table.below[tokens].nonzero(as_tuple=True)
        taken = torch.arange(first, first + len(rows), device=rows.device)
        self.places[prompts[rows], tokens[rows, columns]] = taken
        return tuple((keys[rows, :, columns], values[rows, :, columns]) for keys, values in layers)

    def _keep(self, more: Sequence[KeysAndValues]) -> None:
        """Put more behind what is kept, a layer at a time, lest all be there twice."""
        import torch

        for number, (keys, values) in enumerate(self.kept):
            new = [layers[number] for layers in more]
            self.kept[number] = (
                torch.cat([keys, *(one for one, _ in new)]),
                torch.cat([values, *(one for _, one in new)]),
            )


def passes(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Cut rows, sorted by length, into what is read at once."""
    some: list[Row] = []
    for row in sorted(rows, key=lambda row: len(row.tokens)):
        if some and (len(some) + 1) * len(row.tokens) > PASS_TOKENS:
            yield some
            some = []
        some.append(row)
    if some:
        yield some


def _taken(kept: Tensor, places: Tensor) -> Tensor:
    """Return [batch, heads, columns, head width] of what is kept at `places` [batch, columns]."""
    taken = kept.index_select(0, places.flatten())  # half the time of kept[places]
    return taken.view(*places.shape, *kept.shape[1:]).transpose(1, 2)

"""Branches of many prompts' labels, read together.

Each prompt asks for other branches, and for another number of them. A row holds some of one
prompt's branches. It sees the prompt and, of all that was read before, what stands above its own
branches: their keys and values are kept, in one place for all prompts, and put beside the rows
that need them. So nothing is read twice, and no prompt is padded to an unsure one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from benchbench.kit.cached_reading import CachedReading, KeysAndValues
from benchbench.kit.radix import RadixTrie
from benchbench.kit.vocabulary import token_log_probabilities

if TYPE_CHECKING:
    from torch import Tensor

ROW_TOKENS = 24
"""So many tokens fill a row: in a row each meets each."""
PASS_TOKENS = 512
"""About how many tokens are read in a pass: what a layer computes of so many stays in a
processor's own cache, and among so few rows' worth hardly any is padded."""

Column = tuple[int, int, int]
"""A token in a row, or its place among those kept; the branch that it belongs to; its depth."""


@dataclass(slots=True)
class Row:
    """Branches of one prompt that are read in one row.

    `above` are the kept tokens of `parents`, `tokens` those of `branches`; `edges` (column, token
    that may follow), columns ascending.
    """

    prompt: int
    branches: list[int] = field(default_factory=list)
    parents: set[int] = field(default_factory=set)
    above: list[Column] = field(default_factory=list)
    tokens: list[Column] = field(default_factory=list)
    edges: list[tuple[int, int]] = field(default_factory=list)


@dataclass
class BranchReader:
    """Reads branches behind prompts, those whose parents it has read. No gradients.

    `kept` are keys and values [tokens, heads, head width] of all tokens that something may
    follow; `places` says where a prompt's branch begins among them.
    """

    reading: CachedReading
    trie: RadixTrie
    kept: KeysAndValues = ()
    places: dict[tuple[int, int], int] = field(default_factory=dict)

    def read(self, wanted: Sequence[Sequence[int]]) -> list[dict[int, list[float]]]:
        """Return, for every prompt, the log-probabilities of the edges of its wanted branches."""
        import torch

        found: list[dict[int, list[float]]] = [{} for _ in wanted]
        rows = [row for prompt, own in enumerate(wanted) for row in self._rows(prompt, own)]
        parts = [self.kept] if self.kept else []
        for some in passes(rows):
            states, longer = self._states(some)
            scores = iter(self._scores(some, states))
            for row in some:
                for index in row.branches:
                    found[row.prompt][index] = list(islice(scores, len(self.trie.ahead[index])))
            first = sum(len(layers[0][0]) for layers in parts)
            parts.append(self._kept(some, longer, first))
        self.kept = tuple(
            (torch.cat([keys for keys, _ in layer]), torch.cat([values for _, values in layer]))
            for layer in zip(*parts, strict=True)
        )
        return found

    def _rows(self, prompt: int, wanted: Sequence[int]) -> list[Row]:
        """Return a prompt's branches in rows, neighbours in the trie together."""
        rows: list[Row] = []
        for index in sorted(wanted):
            if not rows or len(rows[-1].tokens) >= ROW_TOKENS:
                rows.append(Row(prompt))
            self._add(rows[-1], index)
        return rows

    def _add(self, row: Row, index: int) -> None:
        """Put a branch into a row, and what is above it where that is not there yet."""
        branch, start = self.trie.branches[index], len(row.tokens)
        row.branches.append(index)
        row.tokens += _columns(branch.read, index, branch.depth)
        row.edges += [(start + at, token) for at, token in self.trie.ahead[index]]
        while branch.parent is not None and branch.parent not in row.parents:
            index, branch = branch.parent, self.trie.branches[branch.parent]
            row.parents.add(index)
            place = self.places[row.prompt, index]
            row.above += _columns(range(place, place + len(branch.tokens)), index, branch.depth)

    def _states(self, rows: Sequence[Row]) -> tuple[Tensor, KeysAndValues]:
        """Return the final hidden states [rows, longest, width], and the rows' keys and values."""
        import torch

        reading = self.reading.only([row.prompt for row in rows])
        nothing = (0, len(self.trie.branches), 0)  # belongs to no branch, and nobody sees it
        device = reading.visible.device
        tokens, owners, depths = _table([row.tokens for row in rows], nothing, device)
        seen = [reading.visible[:, None].expand(-1, tokens.shape[1], -1)]
        if any(row.above for row in rows):
            places, *above = _table([row.above for row in rows], nothing, device)
            seen.append(self._seen(owners, depths, *above))
            reading = reading.beside(
                tuple(
                    (keys[places].transpose(1, 2), values[places].transpose(1, 2))
                    for keys, values in self.kept
                )
            )
        seen.append(self._seen(owners, depths, owners, depths))
        states, longer = reading.asked(tokens, depths, torch.cat(seen, dim=2))
        return states, longer.layers

    def _seen(self, owners: Tensor, depths: Tensor, above: Tensor, heights: Tensor) -> Tensor:
        """Return bool [rows, tokens, columns]: whether a column is a token or stands above it.

        `above` and `heights` are the columns' branches and depths. The branches under one have
        the numbers from its own to its end.
        """
        import torch

        ends = torch.tensor([*self.trie.ends, 0], device=owners.device)[above]
        branch, depth = owners[:, :, None], depths[:, :, None]
        return (above[:, None] <= branch) & (branch < ends[:, None]) & (heights[:, None] <= depth)

    def _scores(self, rows: Sequence[Row], states: Tensor) -> list[float]:
        """Return the log-probabilities of all edges, row by row."""
        import torch

        device, longest = states.device, states.shape[1]
        columns = [number * longest + at for number, row in enumerate(rows) for at, _ in row.edges]
        tokens = torch.tensor([token for row in rows for _, token in row.edges], device=device)
        asked, places = torch.unique(torch.tensor(columns, device=device), return_inverse=True)
        predicting = states.flatten(0, 1)[asked]
        scored = token_log_probabilities(self.reading.model, predicting, places, tokens)
        found: list[float] = scored.tolist()
        return found

    def _kept(self, rows: Sequence[Row], layers: KeysAndValues, first: int) -> KeysAndValues:
        """Return the keys and values of what may be followed; they take the places from `first`."""
        import torch

        own = max(len(row.tokens) for row in rows)
        numbers: list[int] = []
        columns: list[int] = []
        for number, row in enumerate(rows):
            for column, (_, index, _) in enumerate(row.tokens):
                if not self.trie.branches[index].children:
                    continue
                self.places.setdefault((row.prompt, index), first + len(columns))
                numbers.append(number)
                columns.append(column - own)
        at = (torch.tensor(numbers, dtype=torch.long), torch.tensor(columns, dtype=torch.long))
        return tuple((k.transpose(1, 2)[at], v.transpose(1, 2)[at]) for k, v in layers)


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


def _columns(tokens: Iterable[int], branch: int, depth: int) -> list[Column]:
    return [(token, branch, depth + at) for at, token in enumerate(tokens, start=1)]


def _table(rows: Sequence[Sequence[Column]], fill: Column, device: Any) -> list[Tensor]:
    """Return the three parts of columns, each int64 [rows, longest], shorter rows filled up."""
    import torch

    longest = max(map(len, rows))
    filled = [[*row, *[fill] * (longest - len(row))] for row in rows]
    return list(torch.tensor(filled, device=device).unbind(-1))

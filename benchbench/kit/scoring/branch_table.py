"""The tokens of a radix trie's branches as columns of numbers, and the mask between them.

The radix trie of the answers `7 8 9 1`, `7 8 5 1` and `4 1`, and its table. The last token of an
answer is scored and never read, so it has no entry:

    --+-- branch 0: 4 1                              entry     0   1   2   3   4   5
      +-- branch 1: 7 8 --+-- branch 2: 5 1          token     4   7   8   5   9   none
                          +-- branch 3: 9 1          branch    0   1   1   2   3
                                                     end       1   4   4   3   4
                                                     depth     1   1   2   3   3

The branches below branch b have the numbers b + 1 to end - 1. So three comparisons say whether
the token of an entry sees the token of another one, the column:

    branch(column) <= branch(entry) < end(column)   and   depth(column) <= depth(entry)
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from benchbench.kit.scoring.radix import RadixTrie

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class BranchTable:
    """The tokens that a model reads of a radix trie: one entry per token, branch after branch.

    The last entry is no token; it fills rows up. `starts` says at which entry each branch begins
    and where the last one ends. These are int64 [entries]: `tokens`; `branches`, the branch of
    each token; `ends`, the number after the last branch below it; `depths`, 1 right after the
    prompt; `below`, 1 where another branch follows. The tokens that may follow entry i are the
    `counts[i]` tokens of `followers` [edges] from `firsts[i]` on.
    """

    starts: tuple[int, ...]
    tokens: Tensor
    branches: Tensor
    ends: Tensor
    depths: Tensor
    below: Tensor
    counts: Tensor
    firsts: Tensor
    followers: Tensor

    @classmethod
    def of(cls, trie: RadixTrie, device: Any) -> BranchTable:
        """Return the table of a trie."""
        import torch

        entries: list[tuple[int, ...]] = []
        followers: list[int] = []
        for index, branch in enumerate(trie.branches):
            after = [[token] for token in branch.tokens[1:]]
            if branch.children:
                after.append([trie.branches[child].tokens[0] for child in branch.children])
            for at, (token, options) in enumerate(zip(branch.read, after, strict=True), start=1):
                depth, below = branch.depth + at, int(bool(branch.children))
                entries.append((token, index, trie.ends[index], depth, below, len(options)))
                followers += options
        entries.append((0, len(trie.branches), 0, 0, 0, 0))  # no entry sees it, nothing follows
        columns = torch.tensor(entries, device=device).T.contiguous()
        tokens, branches, ends, depths, below, counts = columns
        lengths = (len(branch.read) for branch in trie.branches)
        return cls(
            starts=tuple(accumulate(lengths, initial=0)),
            tokens=tokens,
            branches=branches,
            ends=ends,
            depths=depths,
            below=below,
            counts=counts,
            firsts=counts.cumsum(0) - counts,
            followers=torch.tensor(followers, dtype=torch.long, device=device),
        )

    @property
    def nothing(self) -> int:
        """The number of the entry that is no token."""
        return len(self.tokens) - 1

    def entries(self, branch: int) -> range:
        """Return the entries of a branch."""
        return range(self.starts[branch], self.starts[branch + 1])

    def seen(self, entries: Tensor, columns: Tensor) -> Tensor:
        """Return bool [batch, tokens, columns]: whether a token sees a column.

        It sees itself and the tokens above it. `entries` [batch, tokens] and `columns` [batch,
        columns] are both numbers of entries.
        """
        branches, depths = self.branches[entries][:, :, None], self.depths[entries][:, :, None]
        above, ends = self.branches[columns][:, None], self.ends[columns][:, None]
        return (above <= branches) & (branches < ends) & (self.depths[columns][:, None] <= depths)

    def edges(self, entries: Tensor) -> tuple[Tensor, Tensor]:
        """Return int64 [edges] twice: a place in `entries` [n], and a token that may follow it."""
        import torch

        counts = self.counts[entries]
        which = torch.arange(len(entries), device=entries.device).repeat_interleave(counts)
        skipped = self.firsts[entries] - (counts.cumsum(0) - counts)
        return which, self.followers[torch.arange(len(which), device=which.device) + skipped[which]]

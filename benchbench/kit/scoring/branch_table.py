"""The tokens of a trie's branches, laid out for a processor: one number names each."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from benchbench.kit.scoring.radix import RadixTrie

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class BranchTable:
    """What a model reads of branches, an entry a token, branch after branch; the last is no token.

    `starts` says at which entry each branch begins, and where the last ends. The others are int64
    [entries]: `tokens`; `branches` that they are of; `ends`, the number behind the last branch
    below; `depths` behind the prompt; `below`, 1 where branches follow. A token's followers are
    the `counts` tokens of `followers` [edges] from `firsts` on.
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
        """Lay out a trie."""
        import torch

        entries: list[tuple[int, ...]] = []
        followers: list[int] = []
        for index, branch in enumerate(trie.branches):
            after = [[token] for token in branch.tokens[1:]]
            if branch.children:
                after.append([trie.branches[child].tokens[0] for child in branch.children])
            for at, (token, own) in enumerate(zip(branch.read, after, strict=True), start=1):
                depth, below = branch.depth + at, int(bool(branch.children))
                entries.append((token, index, trie.ends[index], depth, below, len(own)))
                followers += own
        entries.append((0, len(trie.branches), 0, 0, 0, 0))  # nobody sees it, nothing follows
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
        """The entry that is no token."""
        return len(self.tokens) - 1

    def entries(self, branch: int) -> range:
        """Return the entries of a branch."""
        return range(self.starts[branch], self.starts[branch + 1])

    def seen(self, entries: Tensor, columns: Tensor) -> Tensor:
        """Return bool [batch, tokens, columns]: whether a column is a token or stands above it.

        `entries` [batch, tokens] and `columns` [batch, columns] are both entries. The branches
        below one have the numbers from its own to its end.
        """
        branches, depths = self.branches[entries][:, :, None], self.depths[entries][:, :, None]
        above, ends = self.branches[columns][:, None], self.ends[columns][:, None]
        return (above <= branches) & (branches < ends) & (self.depths[columns][:, None] <= depths)

    def edges(self, entries: Tensor) -> tuple[Tensor, Tensor]:
        """Return int64 [edges] twice for `entries` [n]: which of them, and what may follow it."""
        import torch

        counts = self.counts[entries]
        which = torch.arange(len(entries), device=entries.device).repeat_interleave(counts)
        skipped = self.firsts[entries] - (counts.cumsum(0) - counts)
        return which, self.followers[torch.arange(len(which), device=which.device) + skipped[which]]

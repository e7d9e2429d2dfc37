"""Batches cut into micro-batches that memory holds, with the gradient of the whole batch.

    batch of 5 documents         whole: one pass     cut: two passes, their gradients summed
    1  # # #                     x x x x x x         x x x x
    2  # # # #                   x x x x x x         x x x x
    3  # # # #                   x x x x x x         x x x x
    4  # # # # #                 x x x x x x                    x x x x x x
    5  # # # # # #               x x x x x x                    x x x x x x

    gradient(mean of the batch) = sum over its parts of (share of documents) * gradient(mean of it)

What a pass keeps for its backward pass grows with its padded tokens (x). So these are what is
limited. Where memory runs out all the same, the limit is halved.
"""

from __future__ import annotations

import gc
import sys
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from benchbench.machine import is_out_of_memory

Result = TypeVar("Result")

CPU_TOKENS = 1024
"""The most tokens of a pass on a CPU, which they keep busy. More cost memory and save no time."""


WHOLE = sys.maxsize
"""No limit: a batch is computed whole as long as memory holds it."""


def auto_micro_tokens(device: str) -> int:
    """Return the most padded tokens of one pass on a device of this type; no limit on a GPU.

    A GPU is the faster the more it is given at once, and says when its memory is full.
    """
    return CPU_TOKENS if device == "cpu" else WHOLE


@dataclass(slots=True)
class MicroBatches:
    """How batches are cut, which changes where memory runs out.

    - `tokens`: the most padded tokens of a micro-batch. One document may have more.
    - `most`: the most micro-batches that a step had.
    - `retries`: how many times memory ran out, so that a step was repeated.
    """

    tokens: int = WHOLE
    most: int = 0
    retries: int = 0

    def cut(self, lengths: Sequence[int]) -> list[slice]:
        """Return the slices of a batch whose documents have these lengths, in tokens.

        They are as few as `tokens` allows, and then as small as so few can be.

        >>> MicroBatches(20).cut([3, 4, 4, 5, 6])
        [slice(0, 3, None), slice(3, 5, None)]
        """
        limit = min(self.tokens, padded_tokens(lengths))
        fewest = len(_starts(lengths, limit))
        even = bisect_left(
            range(limit), True, key=lambda tokens: len(_starts(lengths, tokens)) <= fewest
        )
        bounds = [*_starts(lengths, even), len(lengths)]
        return [slice(*pair) for pair in pairwise(bounds)]

    def computed(
        self, rows: Sequence[int], lengths: Sequence[int], compute: Callable[[list[int]], Result]
    ) -> Iterator[tuple[list[int], Result]]:
        """Yield some of the rows and what is computed of them, until all of them have been.

        `lengths` are those of all documents, of which `rows` are some. Where memory runs out, the
        same rows are taken again, fewer at once.
        """
        waiting = list(rows)
        while waiting:
            own = [lengths[row] for row in waiting]
            part = self.cut(own)[0]
            try:
                result = compute(waiting[part])
            except Exception as error:
                if not (is_out_of_memory(error) and self.halve(own[part])):
                    raise
            else:
                yield waiting[part], result
                waiting = waiting[part.stop :]
                continue
            free_memory()  # after the error is gone, whose frames held what was computed

    def halve(self, *parts: Sequence[int]) -> bool:
        """Make micro-batches half as large as the largest of these, of which one did not fit.

        Each is the lengths of its documents. Say whether it is possible: no document is divided.
        """
        tokens = [padded_tokens(part) for part in parts if len(part) > 1]
        if not tokens:
            return False
        self.tokens = max(tokens) // 2
        self.retries += 1
        return True


def padded_tokens(lengths: Sequence[int]) -> int:
    """Return the tokens of a batch with its padding."""
    return len(lengths) * max(lengths)


def free_memory() -> None:
    """Give back what no object needs any more, to the device as well."""
    import torch

    gc.collect()
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.empty_cache()


def _starts(lengths: Iterable[int], tokens: int) -> list[int]:
    """Return where parts begin that are as long as `tokens` allows; none is without a document."""
    starts, longest = [0], 0
    for row, length in enumerate(lengths):
        longest = max(longest, length)
        if row > starts[-1] and longest * (row + 1 - starts[-1]) > tokens:
            starts.append(row)
            longest = length
    return starts

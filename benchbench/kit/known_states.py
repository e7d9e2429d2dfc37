"""The states of rows of tokens that enter the lowest adapted layer, where they are known.

A training reads them instead of computing the frozen layers again: the results are the same up to
rounding. Where a row is not known, the model computes all of its layers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from benchbench.kit.batching import to_device
from benchbench.kit.frozen_layers import KNOWN

if TYPE_CHECKING:
    from torch import Tensor

Row = Sequence[int]
"""A row of token ids."""


def name_of(before: Row, row: Row) -> bytes:
    """Return the name of a row that follows the tokens `before`."""
    from array import array

    return hashlib.sha256(array("q", chain(before, row)).tobytes()).digest()


@dataclass(frozen=True, slots=True)
class KnownStates:
    """States by the rows they belong to.

    `read(start, length)` returns the states [length, width] from a place on. `places` says by
    `name_of` where those of a row begin, and of how many tokens they are. All rows follow the same
    `common` tokens, whose own states are those of one row more.
    """

    read: Callable[[int, int], Tensor]
    places: Mapping[bytes, tuple[int, int]]
    common: int = 0

    def batch(self, rows: Sequence[Row], before: Row = ()) -> Tensor | None:
        """Return [rows, longest, width], padded with zeros; None where a row is not known."""
        import torch

        found = [self.places.get(name_of(before, row)) for row in rows]
        places = [place for place in found if place is not None]
        if len(places) < len(rows) or [length for _, length in places] != list(map(len, rows)):
            return None
        parts = [self.read(start, length) for start, length in places]
        return torch.nn.utils.rnn.pad_sequence(parts, batch_first=True)


def inputs_of(model: Any, rows: Sequence[Row], ids: Tensor, before: Row = ()) -> dict[str, Any]:
    """Return a model's input for rows that are padded on the right to `ids` [rows, longest].

    It is `ids`, or the states of the rows where all of them are known. They follow `before`.
    """
    known = known_of(model)
    states = known.batch(rows, before) if known is not None else None
    if states is None:
        return {"input_ids": ids}
    return {"inputs_embeds": to_device(states, ids.device), KNOWN: True}


def known_of(model: Any) -> KnownStates | None:
    """Return the states that the model knows now; None where it knows none."""
    known: KnownStates | None = getattr(model, "benchbench_known", None)
    return known


def know(model: Any, known: KnownStates | None) -> None:
    """Let the model know states from now on, or none."""
    model.benchbench_known = known

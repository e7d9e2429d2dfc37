"""A loaded dataset: its labels, its splits, and what became of every row of its source."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import datasets

Kind = Literal["single-label", "multi-label"]
Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class LabelSpace:
    """The closed set of labels, in the one order that every array uses: sorted by name.

    It holds the training labels plus declared ones and is never derived from test.
    `texts[i]` is what an instruction method writes for `names[i]`. `parents` maps a node to its
    parent and may name ancestors that are no labels themselves. `unseen` are labels that only
    occur outside training: gold index `len(names) + j`; they can never be predicted and count
    as missed everywhere.
    """

    names: tuple[str, ...]
    texts: tuple[str, ...] = ()
    parents: Mapping[str, str] = field(default_factory=dict)
    unseen: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Fill `texts`, and refuse an order that depends on rows."""
        if not self.texts:
            object.__setattr__(self, "texts", self.names)
        if list(self.names) != sorted(set(self.names)):
            raise ValueError("label names must be unique and sorted")
        if len(self.texts) != len(self.names) or len(set(self.texts)) != len(self.texts):
            raise ValueError("every label needs a text of its own")

    def __len__(self) -> int:
        """Return the number of labels that can be predicted."""
        return len(self.names)

    @property
    def digest(self) -> str:
        """Sha256 of the ordered names and texts; stored beside whatever depends on the order."""
        return hashlib.sha256(json.dumps([self.names, self.texts]).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What became of every row of the source: `seen == loaded + len(skipped)`, always.

    `skipped` and `repaired` hold one line each, "file:line: reason". `warnings` are facts a
    reader must know. `facts` are counts by name.
    """

    seen: int
    loaded: int
    skipped: tuple[str, ...] = ()
    repaired: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    facts: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a report in which a row was lost."""
        if self.seen != self.loaded + len(self.skipped):
            raise ValueError(
                f"rows were lost: seen {self.seen}, loaded {self.loaded}, "
                f"skipped {len(self.skipped)}"
            )


@dataclass(frozen=True, slots=True)
class Corpus:
    """A loaded dataset.

    Each split is a `datasets.Dataset` with the columns `id: string, text: string,
    labels: list<int32>, main: int32 (-1 if none), group: string, weight: float32`.
    Documents of one non-empty group never straddle splits.
    """

    kind: Kind
    main_metric: str
    labels: LabelSpace
    train: datasets.Dataset
    validation: datasets.Dataset
    test: datasets.Dataset
    report: LoadReport

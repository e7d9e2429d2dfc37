"""A loaded dataset: its labels, its splits, and a report on every row of its source."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal

from benchbench.contract.parameters import Json
from benchbench.contract.rules import Count, Sha256

if TYPE_CHECKING:
    import datasets

Kind = Literal["single-label", "multi-label"]
Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class LabelSpace:
    """The closed set of labels, in the one order that every array uses: sorted by name.

    It has the training labels and the declared labels; it is never derived from test.
    `texts[i]` is what an instruction method writes for `names[i]`, by default the name itself.
    `parents` maps a node to its parent and may name ancestors that are not labels themselves.
    `unseen` has the labels that occur only outside training: `unseen[j]` has the gold index
    `len(names) + j`. Unseen labels cannot be predicted and count as missed in every metric.
    """

    names: tuple[str, ...]
    texts: tuple[str, ...] = ()
    parents: Mapping[str, str] = field(default_factory=dict)
    unseen: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Fill in `texts`; raise ValueError unless names are sorted and texts are unique."""
        if not self.texts:
            object.__setattr__(self, "texts", self.names)
        if list(self.names) != sorted(set(self.names)):
            raise ValueError("label names must be unique and sorted")
        if len(self.texts) != len(self.names) or len(set(self.texts)) != len(self.texts):
            raise ValueError("label texts must be unique, one per label")

    def __len__(self) -> int:
        """Return the number of labels that can be predicted."""
        return len(self.names)

    @property
    def columns(self) -> tuple[str, ...]:
        """The labels by column of a gold array: those of the space, then the unseen ones."""
        return (*self.names, *self.unseen)

    @property
    def digest(self) -> str:
        """Sha256 of names and texts in order; stored with all that depends on this order."""
        return hashlib.sha256(json.dumps([self.names, self.texts]).encode()).hexdigest()

    def to_json(self) -> Json:
        """Return this label space as plain data."""
        return {
            "names": list(self.names),
            "texts": list(self.texts),
            "parents": dict(self.parents),
            "unseen": list(self.unseen),
        }

    def check(self) -> None:
        """Raise ValueError where an unseen label is known, or parents run in a circle."""
        if len({*self.names, *self.unseen}) != len(self.names) + len(self.unseen):
            raise ValueError("unseen labels must be unique, and no labels of the training data")
        above = dict(self.parents)
        while highest := [node for node, parent in above.items() if parent not in above]:
            for node in highest:
                del above[node]
        if above:
            raise ValueError(f"the parents of {len(above)} labels run in a circle")


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What happened to every row of the source; `seen == loaded + len(skipped)` always holds.

    `skipped` and `repaired` have one text per row: "file:line: reason". What a reason tells of the
    row's content is in quotes or follows "found", as in "expected a number, found 'x'": it is not
    published. `warnings` are facts that a reader must know. `facts` are counts by name.
    """

    seen: Count
    loaded: Count
    skipped: tuple[str, ...] = ()
    repaired: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    facts: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise ValueError where a row is neither loaded nor skipped."""
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
    All documents of a group are in the same split; an empty group means no group.
    """

    kind: Kind
    main_metric: str
    labels: LabelSpace
    train: datasets.Dataset
    validation: datasets.Dataset
    test: datasets.Dataset
    report: LoadReport


@dataclass(frozen=True, slots=True)
class LabelFacts:
    """What metrics need to know about the labels.

    `training_counts` has the number of training documents per label of the space; it is empty
    where the numbers are unknown. `training_documents` is the number of all training documents.
    """

    space: LabelSpace
    training_counts: tuple[int, ...] = ()
    training_documents: int = 0


@dataclass(frozen=True, slots=True)
class CorpusDescription:
    """A description of a corpus that can be read without its rows.

    `documents` has the number of documents per split, `characters` the number of characters of
    all texts, and `training_counts` the number of training documents per label, in the order of
    the label space. `fingerprint` is the sha256 of the label space and of every row. `longest` is
    the number of characters of the longest text, 0 where it was not counted.
    """

    kind: Kind
    main_metric: str
    labels: LabelSpace
    documents: Mapping[Split, Count]
    characters: Count
    training_counts: tuple[Count, ...]
    report: LoadReport
    fingerprint: Sha256
    longest: Count = 0

    @property
    def label_facts(self) -> LabelFacts:
        """What metrics need to know about the labels."""
        return LabelFacts(self.labels, self.training_counts, self.documents["train"])

    def to_json(self) -> Json:
        """Return this description as plain data."""
        return {
            "kind": self.kind,
            "main_metric": self.main_metric,
            "labels": self.labels.to_json(),
            "documents": dict(self.documents),
            "characters": self.characters,
            "training_counts": dict(zip(self.labels.names, self.training_counts, strict=True)),
            "report": asdict(self.report),
            "fingerprint": self.fingerprint,
            "longest": self.longest,
        }

    @staticmethod
    def fields_of(data: Json) -> Json:
        """Return the fields from what `to_json` wrote: it names the label of each count."""
        labels, counts = data.get("labels"), data.get("training_counts")
        if not isinstance(labels, dict) or not isinstance(counts, dict):
            return data
        if list(counts) != labels.get("names"):
            raise ValueError("training_counts must have every label, in the order of the labels")
        return {**data, "training_counts": list(counts.values())}

    def check(self) -> None:
        """Raise ValueError unless there is a number of documents per split, and a label."""
        if set(self.documents) != set(SPLITS):
            raise ValueError("documents must have a number for train, validation and test")
        if len(self.training_counts) != len(self.labels):
            raise ValueError("training_counts must have one number per label")
        if not self.labels.names:
            raise ValueError("there are no labels")

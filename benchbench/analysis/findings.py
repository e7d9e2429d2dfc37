"""What checks of a dataset find: a line per check, and the documents that it names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchbench.contract import SPLITS, Corpus, Split


@dataclass(frozen=True, slots=True)
class NamedDocument:
    """A document that a check names, and another one where it is about two."""

    check: str
    split: Split
    id: str
    other_split: Split | None = None
    other_id: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class DataCheck:
    """The result of a check in a line; `warning` says that it should be looked at."""

    name: str
    result: str
    warning: bool = False
    findings: tuple[NamedDocument, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckedDocument:
    """A document as the checks see it: its split, its place there, and its label names."""

    split: Split
    id: str
    text: str
    labels: tuple[str, ...]


def documents_of(corpus: Corpus) -> list[CheckedDocument]:
    """Return all documents of a corpus, split by split."""
    names = corpus.labels.columns
    return [
        CheckedDocument(split, name, text, tuple(names[label] for label in labels))
        for split in SPLITS
        for name, text, labels in _rows(corpus, split)
    ]


def _rows(corpus: Corpus, split: Split) -> Iterable[tuple[str, str, Sequence[int]]]:
    rows = getattr(corpus, split)
    return zip(rows["id"], rows["text"], rows["labels"], strict=True)


def counts_of(documents: Iterable[CheckedDocument]) -> Mapping[Split, Counter[str]]:
    """Return how many documents of each split have a label."""
    counts: dict[Split, Counter[str]] = {split: Counter() for split in SPLITS}
    for document in documents:
        counts[document.split].update(document.labels)
    return counts


def plural(count: int, noun: str) -> str:
    """Return a number with its noun.

    >>> plural(1, "document"), plural(2, "document")
    ('1 document', '2 documents')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"

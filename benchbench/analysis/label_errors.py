"""Which labels a system gets wrong, and which it takes for which."""

from __future__ import annotations

from dataclasses import dataclass

from benchbench.analysis.judged_split import JudgedSplit


@dataclass(frozen=True, slots=True)
class LabelErrors:
    """A label: documents that have it, that were given it, and those of both."""

    label: str
    documents: int
    predicted: int
    right: int

    @property
    def precision(self) -> float:
        """The share of right documents of those that were given the label; 0 of none."""
        return self.right / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """The share of documents with the label that were given it; 0 of none."""
        return self.right / self.documents if self.documents else 0.0

    @property
    def f1(self) -> float:
        """2TP / (2TP + FP + FN), and 0 where that is 0/0."""
        both = self.documents + self.predicted
        return 2 * self.right / both if both else 0.0


@dataclass(frozen=True, slots=True)
class PairErrors:
    """How many documents have `gold` and were wrongly given `predicted`, without `gold`.

    Of documents with several labels, every missed label counts with every wrong one.
    """

    gold: str
    predicted: str
    documents: int


def label_errors(judged: JudgedSplit) -> list[LabelErrors]:
    """Return every label that a document has or was given, the lowest F1 first."""
    found = [
        LabelErrors(name, *(int(count) for count in counts))
        for name, *counts in zip(
            judged.names,
            judged.gold.sum(axis=0),
            judged.decided.sum(axis=0),
            (judged.gold & judged.decided).sum(axis=0),
            strict=True,
        )
    ]
    seen = [label for label in found if label.documents or label.predicted]
    return sorted(seen, key=lambda label: (label.f1, -label.documents, label.label))


def pair_errors(judged: JudgedSplit) -> list[PairErrors]:
    """Return the pairs of labels that are taken for each other, the most frequent first."""
    import numpy as np

    missed = (judged.gold & ~judged.decided).astype(np.float32)
    wrong = (judged.decided & ~judged.gold).astype(np.float32)
    counts = np.rint(missed.T @ wrong).astype(int)
    pairs = [
        PairErrors(judged.names[gold], judged.names[predicted], int(counts[gold, predicted]))
        for gold, predicted in np.argwhere(counts)
    ]
    return sorted(pairs, key=lambda pair: (-pair.documents, pair.gold, pair.predicted))

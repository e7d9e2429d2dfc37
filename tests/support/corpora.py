"""Documents of three animals, and corpora with one row altered."""

from __future__ import annotations

from dataclasses import replace

import datasets

from benchbench.kit.data import Document

LABELS = ("zebra", "ant", "fox")


def rows(count, prefix="r", labels=LABELS, **more):
    return [
        Document(f"{prefix}{i}", f"{prefix} text {i}", (labels[i % len(labels)],), **more)
        for i in range(count)
    ]


def several(count, prefix="m"):
    return [
        Document(f"{prefix}{i}", f"{prefix} text {i}", LABELS[: i % 3 + 1], main=LABELS[i % 3])
        for i in range(count)
    ]


def changed(corpus, split, index, **cells):
    """Return the corpus with one row of one split altered."""
    table = getattr(corpus, split).to_list()
    table[index] = {**table[index], **cells}
    dataset = datasets.Dataset.from_list(table, features=getattr(corpus, split).features)
    return replace(corpus, **{split: dataset})

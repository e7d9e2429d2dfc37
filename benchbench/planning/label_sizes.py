"""About how many tokens labels have, without a tokenizer: a plan is made before a model is here."""

from __future__ import annotations

import re
from collections.abc import Sequence

PIECE = re.compile(r"[^\W\d_]{1,6}|\d|[^\w\s]")
"""About one token: up to six letters, a digit or a sign (four vocabularies were counted)."""


def label_sizes(texts: Sequence[str]) -> tuple[float, int]:
    """Return about (the mean number of tokens of a text, the nodes of a trie of all texts).

    >>> label_sizes(["A01B", "A01C"])
    (4.0, 5)
    """
    pieces = [PIECE.findall(text) for text in texts]
    beginnings = {tuple(row[: end + 1]) for row in pieces for end in range(len(row))}
    mean = sum(map(len, pieces)) / max(1, len(pieces))
    return max(1.0, mean), max(1, len(beginnings))

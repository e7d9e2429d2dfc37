"""Whether a plugin's metric could be taken for one of the harness's."""

from __future__ import annotations

import unicodedata

from benchbench.evaluation.registry import METRICS


def taken_for(name: str, title: str) -> str | None:
    """Return the harness's metric that a name or a column's title could be taken for, or None.

    Case, spaces and marks do not tell two names apart: "Macro F1" would be taken for "macro-F1".
    """
    told = {_letters(name), _letters(title)}
    for metric in METRICS:
        if told & {_letters(metric.name), _letters(metric.title)}:
            return metric.name
    return None


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))

"""All checks of a dataset, before anything trains."""

from __future__ import annotations

from collections.abc import Callable

from benchbench.analysis.duplicate_checks import duplicate_checks
from benchbench.analysis.findings import DataCheck, documents_of
from benchbench.analysis.label_checks import label_checks
from benchbench.analysis.text_checks import text_checks
from benchbench.contract import Corpus


def check_data(
    corpus: Corpus,
    tokens: Callable[[str], int] | None = None,
    document_tokens: int = 256,
    step: Callable[[int, int], object] = lambda done, total: None,
) -> list[DataCheck]:
    """Return what stands out in a dataset.

    `tokens` counts the tokens of a text, and `document_tokens` says how many of them a method
    reads. `step` is told how many of all documents have been looked for among the others.
    """
    documents = documents_of(corpus)
    return [
        *label_checks(corpus, documents),
        *text_checks(documents, tokens, document_tokens),
        *duplicate_checks(documents, step),
    ]

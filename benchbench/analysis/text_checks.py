"""Checks of texts: their lengths, whether they can be read, and whether they tell their label."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

from benchbench.analysis.findings import CheckedDocument, DataCheck, NamedDocument, plural

REPLACED = "\ufffd"
SECOND = "".join(bytes([byte]).decode("cp1252", "ignore") for byte in range(0x80, 0xC0))
MISREAD = re.compile(f"[\u00c2\u00c3][\u0080-\u00bf{SECOND}]|\u00e2\u20ac")
"""What UTF-8 looks like that was read as Latin-1 or Windows-1252."""
LEAST_LABEL = 3
"""A label's name of fewer characters stands in texts by chance."""
TELLING = 0.2
"""From this share on, texts tell their labels."""


def text_checks(
    documents: Sequence[CheckedDocument],
    tokens: Callable[[str], int] | None,
    document_tokens: int,
) -> list[DataCheck]:
    """Return what stands out in the texts; `tokens` counts the tokens of one."""
    return [
        _lengths(documents),
        *([_cut(documents, tokens, document_tokens)] if tokens is not None else []),
        _unreadable(documents),
        _labels_in_texts(documents),
    ]


def _lengths(documents: Sequence[CheckedDocument]) -> DataCheck:
    lengths = sorted(len(document.text) for document in documents)
    shown = _quantiles(lengths)
    return DataCheck("characters", shown)


def _quantiles(lengths: Sequence[int]) -> str:
    middle, most = lengths[len(lengths) // 2], lengths[int(0.95 * (len(lengths) - 1))]
    return f"median {middle:,}, 95 % up to {most:,}, longest {lengths[-1]:,}"


def _cut(
    documents: Sequence[CheckedDocument], tokens: Callable[[str], int], most: int
) -> DataCheck:
    lengths = [tokens(document.text) for document in documents]
    cut = [length for length in lengths if length > most]
    lost = sum(length - most for length in cut) / max(1, sum(lengths))
    text = f"{_quantiles(sorted(lengths))}; {plural(len(cut), 'document')} cut at {most:,}"
    if cut:
        text += f", which loses {lost:.0%} of all tokens"
    return DataCheck("tokens", text, len(cut) > 0.05 * len(lengths))


def _unreadable(documents: Sequence[CheckedDocument]) -> DataCheck:
    name = "unreadable texts"
    found = tuple(
        NamedDocument(name, document.split, document.id, detail=fault)
        for document in documents
        if (fault := _fault(document.text))
    )
    kinds = sorted({finding.detail for finding in found})
    text = f"{plural(len(found), 'document')}: {', '.join(kinds)}" if found else "none"
    return DataCheck(name, text, bool(found), found)


def _fault(text: str) -> str:
    """Say why a text can hardly be read; empty where it can."""
    if REPLACED in text:
        return "replaced characters"
    if MISREAD.search(text):
        return "read in a wrong encoding"
    if any(unicodedata.category(mark) == "Cc" and mark not in "\n\r\t" for mark in text):
        return "control characters"
    if not any(mark.isalnum() for mark in text):
        return "no letter and no digit"
    return ""


def _labels_in_texts(documents: Sequence[CheckedDocument]) -> DataCheck:
    """Count the documents whose text has the name of one of their labels as a word."""
    name = "labels in texts"
    names = {label for document in documents for label in document.labels}
    words = {
        label: re.compile(rf"(?<!\w){re.escape(label.casefold())}(?!\w)")
        for label in names
        if len(label) >= LEAST_LABEL
    }
    found = tuple(
        NamedDocument(name, document.split, document.id, detail=label)
        for document in documents
        for label in document.labels
        if label in words and words[label].search(document.text.casefold())
    )
    share = len({(one.split, one.id) for one in found}) / max(1, len(documents))
    return DataCheck(name, f"{share:.1%} of the documents name their label", share > TELLING, found)

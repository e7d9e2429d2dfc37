"""Which documents are loaded, and with which labels.

- Each number is loaded once.
- Each application is in one half only.
- Codes that the label rule leaves out are no labels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from operator import attrgetter
from typing import NamedTuple

from benchbench_wipo_alpha.document_counts import DocumentCounts
from benchbench_wipo_alpha.places import Place


class DocumentHeader(NamedTuple):
    """A document without its text, which is in the spool at `start` and has `length` bytes."""

    place: Place
    number: str
    application: str
    codes: tuple[str, ...]
    start: int
    length: int


class SelectedDocument(NamedTuple):
    """A document to load, with its labels; `main` is None where the rule drops the main code."""

    header: DocumentHeader
    labels: tuple[str, ...]
    main: str | None


class LabelRule(NamedTuple):
    """Which codes are labels.

    With `main_only`, only the main codes of training documents are. `minimum` is the number of
    training documents that a label needs.
    """

    main_only: bool
    minimum: int


def select(
    headers: Iterable[DocumentHeader], rule: LabelRule, counts: DocumentCounts
) -> list[SelectedDocument]:
    """Return the documents to load, ordered by place; count the others in `counts`."""
    documents = sorted(headers, key=attrgetter("place"))
    documents = _in_one_half(_with_own_number(documents, counts), counts)
    labels_of = cache(_label_filter(documents, rule))
    selected = []
    for header in documents:
        labels = labels_of(header.codes)
        if len(labels) < len(header.codes):
            counts.facts["codes_left_out"] += len(header.codes) - len(labels)
        if labels:
            main = header.codes[0] if labels[0] == header.codes[0] else None
            selected.append(SelectedDocument(header, labels, main))
        else:
            reason = f"no code of {rule.minimum} training documents or more"
            counts.leave_out(header.place, reason)
    return selected


def _label_filter(
    documents: Sequence[DocumentHeader], rule: LabelRule
) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
    """Return the function from a document's codes to those of them that are labels."""
    training = [header for header in documents if header.place.startswith("train")]
    mains = {header.codes[0] for header in training}
    frequency = Counter(code for header in training for code in header.codes)

    def labels_of(codes: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(
            code
            for number, code in enumerate(codes)
            if frequency[code] >= rule.minimum
            # a main code that training lacks stays a label, which no system can predict
            and (number == 0 or not rule.main_only or code in mains)
        )

    return labels_of


def _with_own_number(
    headers: Sequence[DocumentHeader], counts: DocumentCounts
) -> list[DocumentHeader]:
    """Return the headers without those that repeat an earlier header's number."""
    first: dict[str, DocumentHeader] = {}
    for header in headers:
        other = first.setdefault(header.number, header)
        if other is not header:
            counts.bad(f"{header.place}: its number {header.number} is also that of {other.place}")
    return list(first.values())


def _in_one_half(headers: Sequence[DocumentHeader], counts: DocumentCounts) -> list[DocumentHeader]:
    """Return the headers without training documents whose application is also in test."""
    tested = {
        header.application
        for header in headers
        if header.place.startswith("test") and header.application
    }
    kept = []
    for header in headers:
        if header.place.startswith("train") and header.application in tested:
            counts.leave_out(header.place, f"its application {header.application} is also in test")
            counts.facts["straddling_applications"] += 1
        else:
            kept.append(header)
    return kept

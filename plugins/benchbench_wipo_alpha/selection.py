"""Which documents are loaded, with which labels.

Each number once, no application in both halves, no label that the rule leaves out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from operator import attrgetter
from typing import NamedTuple

from benchbench_wipo_alpha.places import Place
from benchbench_wipo_alpha.tally import Tally


class Header(NamedTuple):
    """All of a document but its text, which lies in the spool at `start`, `length` bytes long."""

    place: Place
    number: str
    application: str
    codes: tuple[str, ...]
    start: int
    length: int


class Chosen(NamedTuple):
    """A document that is loaded, with its labels; `main` is None where the rule dropped it."""

    header: Header
    labels: tuple[str, ...]
    main: str | None


class LabelRule(NamedTuple):
    """Which codes are labels: those that are main in training or all; of how many documents."""

    main_only: bool
    minimum: int


def select(headers: Iterable[Header], rule: LabelRule, tally: Tally) -> list[Chosen]:
    """Return the documents to load in the order of their places; count the others in `tally`."""
    documents = _apart(_once(sorted(headers, key=attrgetter("place")), tally), tally)
    kept_of = cache(_kept(documents, rule))
    chosen = []
    for header in documents:
        kept = kept_of(header.codes)
        if len(kept) < len(header.codes):
            tally.facts["codes_left_out"] += len(header.codes) - len(kept)
        if kept:
            main = header.codes[0] if kept[0] == header.codes[0] else None
            chosen.append(Chosen(header, kept, main))
        else:
            reason = f"no code of {rule.minimum} training documents or more"
            tally.leave_out(header.place, reason)
    return chosen


def _kept(
    documents: Sequence[Header], rule: LabelRule
) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
    """Return what says which of a document's codes are labels."""
    training = [header for header in documents if header.place.startswith("train")]
    mains = {header.codes[0] for header in training}
    counts = Counter(code for header in training for code in header.codes)

    def kept(codes: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(
            code
            for number, code in enumerate(codes)
            if counts[code] >= rule.minimum
            # a main code that training lacks is a label that nobody can know, and stays one
            and (number == 0 or not rule.main_only or code in mains)
        )

    return kept


def _once(headers: Sequence[Header], tally: Tally) -> list[Header]:
    """Return the headers without those whose number an earlier one has."""
    first: dict[str, Header] = {}
    for header in headers:
        other = first.setdefault(header.number, header)
        if other is not header:
            tally.bad(f"{header.place}: its number {header.number} is that of {other.place}")
    return list(first.values())


def _apart(headers: Sequence[Header], tally: Tally) -> list[Header]:
    """Return the headers without training documents whose application is in test as well."""
    tested = {h.application for h in headers if h.place.startswith("test") and h.application}
    kept = []
    for header in headers:
        if header.place.startswith("train") and header.application in tested:
            tally.leave_out(header.place, f"its application {header.application} is in test too")
            tally.facts["straddling_applications"] += 1
        else:
            kept.append(header)
    return kept

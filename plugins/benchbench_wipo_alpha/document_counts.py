"""What happens to every file: it is loaded, is bad (with place and reason), or is left out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from xml.parsers.expat import EXPAT_VERSION

from benchbench import LoaderError, LoadReport
from benchbench_wipo_alpha.places import Place


@dataclass(slots=True)
class DocumentCounts:
    """Counts of files, updated while files are read.

    `source` names the collection in messages, `skip` says whether bad documents are skipped, and
    `max_skipped` is the largest share of bad documents.
    """

    source: str
    skip: bool = False
    max_skipped: float = 0.01
    seen: int = 0
    bad_documents: int = 0
    skipped: list[str] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)
    facts: Counter[str] = field(default_factory=Counter)

    def bad(self, fault: str) -> None:
        """Count a bad document, "file: reason"; raise LoaderError unless bad ones are skipped."""
        if not self.skip:
            raise LoaderError(
                f"{self.source}: {fault}; correct the file, or set on_bad_document=skip"
            )
        self.skipped.append(fault)
        self.bad_documents += 1

    def leave_out(self, place: Place, reason: str) -> None:
        """Count a good document that a rule leaves out."""
        self.skipped.append(f"{place}: {reason}")
        self.facts["left_out_by_rule"] += 1

    def note(self, place: Place, notes: tuple[str, ...]) -> None:
        """Count what was repaired in a document, each kind of repair once."""
        for name in set(notes):
            self.facts[name] += 1
            if name == "repaired":
                self.repaired.append(f"{place}: an element was left open and was closed")

    def check_share(self) -> None:
        """Raise LoaderError where the share of bad documents is too large."""
        if self.bad_documents > self.max_skipped * self.seen:
            raise LoaderError(
                f"{self.source}: {self.skipped[0]}; {self.bad_documents} of {self.seen} documents "
                f"are bad, more than max_skipped={self.max_skipped:g} allows; correct them, or "
                "raise max_skipped"
            )

    def report(self, outside: list[str]) -> LoadReport:
        """Return the report; `outside` are the XML files in neither half."""
        warnings = []
        if outside:
            warnings.append(
                f"{len(outside)} XML files are in neither train nor test and were not read; "
                f"the first is {outside[0]}"
            )
        if straddling := self.facts["straddling_applications"]:
            warnings.append(
                f"{straddling} training documents were left out: their applications are in test too"
            )
        if long := self.facts["long_for_this_expat"]:
            warnings.append(
                f"{long} documents are larger than 1 MB and were read by {EXPAT_VERSION}, which "
                "hostile XML can slow down; use a Python with expat 2.6.0 or later"
            )
        return LoadReport(
            seen=self.seen,
            loaded=self.seen - len(self.skipped),
            skipped=tuple(self.skipped),
            repaired=tuple(self.repaired),
            warnings=tuple(warnings),
            facts={name: count for name, count in sorted(self.facts.items()) if count},
        )

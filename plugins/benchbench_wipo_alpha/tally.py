"""What becomes of every file: loaded, bad with its place and the reason, or left out by a rule."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from xml.parsers.expat import EXPAT_VERSION

from benchbench import LoaderError, LoadReport
from benchbench_wipo_alpha.places import Place


@dataclass(slots=True)
class Tally:
    """Counts files while they stream by.

    `skip` says whether bad documents are skipped, and `max_skipped` is the largest share of them.
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
        """Count a bad document, "file: reason", or raise LoaderError where none is tolerated."""
        if not self.skip:
            raise LoaderError(
                f"{self.source}: {fault}; mend the file, or give on_bad_document=skip"
            )
        self.skipped.append(fault)
        self.bad_documents += 1

    def leave_out(self, place: Place, reason: str) -> None:
        """Count a document that is sound, and that a rule leaves out."""
        self.skipped.append(f"{place}: {reason}")
        self.facts["left_out_by_rule"] += 1

    def note(self, place: Place, notes: tuple[str, ...]) -> None:
        """Count what was met and mended in a document, each thing once."""
        for name in set(notes):
            self.facts[name] += 1
            if name == "repaired":
                self.repaired.append(f"{place}: an element was left open")

    def check_share(self) -> None:
        """Raise LoaderError where more documents are bad than is tolerated."""
        if self.bad_documents > self.max_skipped * self.seen:
            raise LoaderError(
                f"{self.source}: {self.skipped[0]}; {self.bad_documents} of {self.seen} documents "
                f"are bad, more than max_skipped={self.max_skipped:g} allows: mend them, or "
                "raise max_skipped"
            )

    def report(self, outside: list[str]) -> LoadReport:
        """Return the report; `outside` are XML files that stand in neither half."""
        warnings = []
        if outside:
            warnings.append(
                f"{len(outside)} XML files stand in neither train nor test and were not read, "
                f"the first is {outside[0]}"
            )
        if straddling := self.facts["straddling_applications"]:
            warnings.append(
                f"{straddling} training documents were left out: their applications are in test"
            )
        if long := self.facts["long_for_this_expat"]:
            warnings.append(
                f"{long} documents are of more than 1 MB, and {EXPAT_VERSION}, which hostile XML "
                "can slow down, read them; take a Python with expat 2.6.0 or later"
            )
        return LoadReport(
            seen=self.seen,
            loaded=self.seen - len(self.skipped),
            skipped=tuple(self.skipped),
            repaired=tuple(self.repaired),
            warnings=tuple(warnings),
            facts={name: count for name, count in sorted(self.facts.items()) if count},
        )

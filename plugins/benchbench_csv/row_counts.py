"""What happens to every row: it is loaded, or counted as bad with its place and the reason."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal

from benchbench import LoaderError, LoadReport

NUMBER = re.compile(r"[+-]?\d{1,40}(\.\d{0,40})?", re.ASCII)


class BadRow(Exception):
    """A row that cannot be loaded, with the reason."""


@dataclass(slots=True)
class RowCounts:
    """Counts of rows and labels, updated while rows are read.

    `source` names the files in messages, `skip` says whether bad rows are skipped, and
    `max_skipped` is the largest share of bad rows.
    """

    source: str
    skip: bool = False
    max_skipped: float = 0.01
    seen: int = 0
    loaded: int = 0
    skipped: list[str] = field(default_factory=list)
    labels: Counter[str] = field(default_factory=Counter)
    facts: Counter[str] = field(default_factory=Counter)

    def bad(self, where: str, reason: str) -> None:
        """Count a bad row at "file:line"; raise LoaderError unless bad rows are skipped."""
        if not self.skip:
            raise LoaderError(f"{where}: {reason}; correct the row, or set on_bad_row=skip")
        self.skipped.append(f"{where}: {reason}")
        if len(self.skipped) % 50_000 == 0:  # bounds the list where every row is bad
            self._check_share()

    def report(self) -> LoadReport:
        """Return the report.

        Raises LoaderError for too many bad rows, and for labels that differ in case or form only.
        """
        self._check_share()
        self._refuse_case_variants()
        return LoadReport(
            seen=self.seen,
            loaded=self.loaded,
            skipped=tuple(self.skipped),
            warnings=self._numeric_variants(),
            facts=dict(sorted(self.facts.items())),
        )

    def _check_share(self) -> None:
        bad = len(self.skipped)
        if bad > self.max_skipped * self.seen:
            raise LoaderError(
                f"{self.skipped[0]}; {bad} of {self.seen} rows are bad, more than "
                f"max_skipped={self.max_skipped:g} allows; correct them, or raise max_skipped"
            )

    def _refuse_case_variants(self) -> None:
        variants: dict[str, list[str]] = defaultdict(list)
        for label in sorted(self.labels):
            variants[unicodedata.normalize("NFKC", label).casefold()].append(label)
        for same in variants.values():
            if len(same) > 1:
                raise LoaderError(
                    f"{self.source}: labels {self._listed(same)} differ in case or form only; "
                    "write them the same way, or rename one"
                )

    def _numeric_variants(self) -> tuple[str, ...]:
        variants: dict[Decimal, list[str]] = defaultdict(list)
        for label in sorted(self.labels):
            if NUMBER.fullmatch(label):
                variants[Decimal(label)].append(label)
        return tuple(
            f"labels {self._listed(same)} are equal as numbers and are kept apart as text"
            for same in variants.values()
            if len(same) > 1
        )

    def _listed(self, labels: list[str]) -> str:
        return ", ".join(f"'{label}' ({self.labels[label]})" for label in labels)

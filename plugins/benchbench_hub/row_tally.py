"""What happens to every row: it is loaded, or counted as bad with its place and the reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from benchbench import LoaderError, LoadReport


class UnusableRow(Exception):
    """A row that cannot be loaded, with the reason."""


@dataclass(slots=True)
class RowTally:
    """Counts of rows, updated while they are read.

    `source` names the data in messages, `skip` says whether bad rows are skipped, and
    `max_skipped` is the largest share of bad rows.
    """

    source: str
    skip: bool = False
    max_skipped: float = 0.01
    seen: int = 0
    skipped: list[str] = field(default_factory=list)
    facts: Counter[str] = field(default_factory=Counter)

    def bad(self, where: str, reason: str) -> None:
        """Count a bad row at "split, row n"; raise LoaderError unless bad rows are skipped."""
        if not self.skip:
            raise LoaderError(
                f"{self.source}: {where}: {reason}; correct the row, or set on_bad_row=skip"
            )
        self.skipped.append(f"{where}: {reason}")

    def report(self) -> LoadReport:
        """Return the report. Raises LoaderError for too many bad rows."""
        bad = len(self.skipped)
        if bad > self.max_skipped * self.seen:
            raise LoaderError(
                f"{self.source}: {self.skipped[0]}; {bad} of {self.seen} rows are bad, more than "
                f"max_skipped={self.max_skipped:g} allows; correct them, or raise max_skipped"
            )
        return LoadReport(
            seen=self.seen,
            loaded=self.seen - bad,
            skipped=tuple(self.skipped),
            facts=dict(sorted(self.facts.items())),
        )

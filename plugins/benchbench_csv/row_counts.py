"""What happens to every row: it is loaded, or counted as bad with its place and the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from benchbench import LoaderError, LoadReport
from benchbench_csv.table_files import TableFile


class BadRow(Exception):
    """A row that cannot be loaded, with the reason."""


@dataclass(slots=True)
class RowCounts:
    """Counts of rows and labels, updated while rows are read.

    `source` names the files in messages, `skip` says whether bad rows are skipped, and
    `max_skipped` is the largest share of bad rows. `places` has the first place of each label,
    `lengths` how many labels were written in a row, whatever became of them.
    """

    source: str
    skip: bool = False
    max_skipped: float = 0.01
    seen: int = 0
    loaded: int = 0
    skipped: list[str] = field(default_factory=list)
    first_bad: str = ""
    labels: Counter[str] = field(default_factory=Counter)
    places: dict[str, str] = field(default_factory=dict)
    lengths: set[int] = field(default_factory=set)
    facts: Counter[str] = field(default_factory=Counter)

    def good(self, table: TableFile, line: int, labels: Iterable[str]) -> None:
        """Count a good row and its labels."""
        self.loaded += 1
        for label in labels:
            self.labels[label] += 1
            self.places.setdefault(label, f"{table.name}:{line}")

    def bad(self, table: TableFile, line: int, reason: str) -> None:
        """Count a bad row; raise LoaderError unless bad rows are skipped."""
        fault = f"{table.name}:{line}: {reason}"
        if not self.skip:
            raise LoaderError(f"{fault}; correct the row, or set on_bad_row=skip")
        self.first_bad = self.first_bad or fault
        # The report is published: it says in which file, and not in which folder.
        self.skipped.append(f"{table.path.name}:{line}: {reason}")
        if len(self.skipped) % 50_000 == 0:  # bounds the list where every row is bad
            self.check_share()

    def check_share(self) -> None:
        """Raise LoaderError where more rows are bad than may be skipped."""
        bad = len(self.skipped)
        if bad > self.max_skipped * self.seen:
            raise LoaderError(
                f"{self.first_bad}; {bad} of {self.seen} rows are bad, more than "
                f"max_skipped={self.max_skipped:g} allows; correct them, or raise max_skipped"
            )

    def report(self, warnings: tuple[str, ...] = ()) -> LoadReport:
        """Return the report; raise LoaderError where too many rows are bad."""
        self.check_share()
        return LoadReport(
            seen=self.seen,
            loaded=self.loaded,
            skipped=tuple(self.skipped),
            warnings=warnings,
            facts=dict(sorted(self.facts.items())),
        )

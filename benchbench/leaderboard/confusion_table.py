"""The table of confusions: which labels every system takes for which, and how often."""

from __future__ import annotations

from benchbench.evidence import DatasetEvidence
from benchbench.leaderboard.tables import Column, Entry, Row, Table

COLUMNS = (
    Column.of("method", "method", words=True),
    Column.of("backbone", "backbone", words=True),
    Column.of("label", "label", words=True),
    Column.of("decided", "taken for", words=True),
    Column.of("documents", "documents"),
)
ABOUT = "Documents of all seeds together; of each system at most the 1,000 most frequent pairs."
MULTI = "In each of them the label was missed and the other one was wrongly given."


def confusions(evidence: DatasetEvidence) -> Table | None:
    """Return a row per system and pair of labels, the most frequent first; None without errors."""
    rows = [
        Row(
            place + 1,
            (
                Entry.words(system.method),
                Entry.words(system.backbone or "–"),
                Entry.words(evidence.labels[label]),
                Entry.words(evidence.labels[decided]),
                Entry.number(count, ",d"),
            ),
        )
        for place, system in enumerate(evidence.systems)
        for label, decided, count in system.confusion
        if label != decided
    ]
    notes = (ABOUT,) if evidence.mcnemar_metric == "accuracy" else (ABOUT, MULTI)
    table = Table("confusions", "Confusions", COLUMNS, tuple(rows), notes, lengthy=True)
    return table if rows else None

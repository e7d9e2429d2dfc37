"""What is left out of records and descriptions of datasets when they are stored.

Whatever is stored may be published. So no stored text tells a secret, a folder, the user or the
host, and no report tells what a skipped row holds.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

from benchbench.contract import CorpusDescription, Record
from benchbench.machine import published, published_json

CONTENT = re.compile(r"[,;]?\s+(?:found\b|Did you mean\b|Available:).*", re.DOTALL)
"""The end of a reason that tells what the row holds."""
BEGINNING = re.compile(r"[^'\"]*?: (?:'[^']*':)?")
"""The place, and the column where the reason begins with it."""
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")


def publishable_record(record: Record) -> Record:
    """Return the record as it is stored: what was asked for and its numbers stay as they are."""
    paths = record.cell.paths
    return replace(
        record,
        reason=published(record.reason, paths),
        facts=published_json(record.facts, paths),
        guards=published_json(record.guards, paths),
        provenance=published_json(record.provenance, paths),
    )


def publishable_description(
    description: CorpusDescription, paths: Collection[tuple[str, str]] = ()
) -> CorpusDescription:
    """Return the description with a report that tells no path and no content of a skipped row.

    `paths` are (path, name) of the files that the dataset was read from.
    """
    report = description.report

    def told(texts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(published(text, paths) for text in texts)

    return replace(
        description,
        report=replace(
            report,
            skipped=told(tuple(map(kind_of_fault, report.skipped))),
            repaired=told(tuple(map(kind_of_fault, report.repaired))),
            warnings=told(report.warnings),
            facts=published_json(report.facts, paths),
        ),
    )


def kind_of_fault(reason: str) -> str:
    """Return the place, the column and the kind of a fault, without what the row holds.

    >>> kind_of_fault("t.csv:3: 'weight': expected a number of at least 0, found 'minus one'")
    "t.csv:3: 'weight': expected a number of at least 0"
    >>> kind_of_fault("t.csv:3: 'minus one' is no label")
    't.csv:3: ... is no label'
    """
    reason = CONTENT.sub("", reason)
    beginning = BEGINNING.match(reason)
    head = beginning[0] if beginning else ""
    return head + QUOTED.sub("...", reason[len(head) :])

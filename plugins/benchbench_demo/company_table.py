"""Generated patents as a company's own table: a CSV file with one patent and its unit per row."""

from __future__ import annotations

import csv
from pathlib import Path

from benchbench_demo.inventions import members
from benchbench_demo.writing import write

COLUMNS = ("number", "title", "abstract", "unit", "family")


def write_table(path: Path, seed: int, documents: int) -> None:
    """Write the table; the members of a family follow each other, units come in no order."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for number, member in enumerate(members(seed, documents)):
            patent = write(seed, member)
            family = f"F{member.family:06}"
            table.writerow([f"P{number:06}", patent.title, patent.abstract, member.unit, family])

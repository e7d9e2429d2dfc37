"""The benches' real data, read from the folder that the tests use: the same rows for every peer."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

from peers.environment import SHARED

VALIDATION = 500


def banking77(train: int, test: int) -> dict[str, Any]:
    """Return {"kind", "labels", "train", "validation", "test"}: rows of text and label indices."""
    folder = SHARED / "data" / "banking77"
    rows = [(row["text"], [row["category"]]) for row in _read(folder / "train.csv")]
    tests = [(row["text"], [row["category"]]) for row in _read(folder / "test.csv")]
    return _indexed("single-label", _drawn(rows, train + VALIDATION), _drawn(tests, test))


def patents(train: int, test: int) -> dict[str, Any]:
    """Return the patents with their sections, as `banking77` does."""
    folder = SHARED / "data" / "patents_cpc_section"

    def rows(name: str) -> list[tuple[str, list[str]]]:
        return [
            (row["application_type_abstract"], row["label"].split(","))
            for row in _read(folder / f"{name}.csv")
        ]

    return _indexed(
        "multi-label", _drawn(rows("train"), train + VALIDATION), _drawn(rows("test"), test)
    )


def write(data: Any, path: Path) -> str:
    """Write as JSON and return the path."""
    path.write_text(json.dumps(data), encoding="utf-8")
    return str(path)


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _drawn(rows: list[Any], count: int) -> list[Any]:
    """Return `count` rows, drawn: the files are sorted by label."""
    return random.Random(0).sample(rows, min(count, len(rows)))


def _indexed(
    kind: str, rows: list[tuple[str, list[str]]], tests: list[tuple[str, list[str]]]
) -> dict[str, Any]:
    """Return the rows with labels as indices; the last of `rows` are the validation split."""
    splits = {"train": rows[:-VALIDATION], "validation": rows[-VALIDATION:], "test": tests}
    labels = sorted({label for _, own in splits["train"] for label in own})
    index = {label: number for number, label in enumerate(labels)}
    indexed = {
        name: [
            {"text": text, "labels": sorted(index[label] for label in own if label in index)}
            for text, own in split
        ]
        for name, split in splits.items()
    }
    return {"kind": kind, "labels": labels, **indexed}

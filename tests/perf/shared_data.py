"""The benches' real data, read from the folder that the tests use: the same rows for every peer."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

from peers.environment import SHARED

Rows = list[dict[str, Any]]


def banking77(train: int, test: int) -> dict[str, Any]:
    """Return {"kind", "labels", "train", "test"} with rows of text and label indices."""
    folder = SHARED / "data" / "banking77"
    rows = {name: _read(folder / f"{name}.csv") for name in ("train", "test")}
    named = {
        name: [(row["text"], [row["category"]]) for row in _some(rows[name], count)]
        for name, count in (("train", train), ("test", test))
    }
    return _indexed("single-label", named)


def patents(train: int, test: int) -> dict[str, Any]:
    """Return the patents with their sections, as `banking77` does."""
    folder = SHARED / "data" / "patents_cpc_section"
    rows = {name: _read(folder / f"{name}.csv") for name in ("train", "test")}
    named = {
        name: [
            (row["application_type_abstract"], row["label"].split(","))
            for row in _some(rows[name], count)
        ]
        for name, count in (("train", train), ("test", test))
    }
    return _indexed("multi-label", named)


def write(data: Any, path: Path) -> str:
    """Write as JSON and return the path."""
    path.write_text(json.dumps(data), encoding="utf-8")
    return str(path)


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _some(rows: list[dict[str, str]], count: int) -> list[dict[str, str]]:
    """Return `count` rows, drawn: the files are sorted by label."""
    return random.Random(0).sample(rows, min(count, len(rows)))


def _indexed(kind: str, named: dict[str, list[tuple[str, list[str]]]]) -> dict[str, Any]:
    labels = sorted({label for _, own in named["train"] for label in own})
    index = {label: number for number, label in enumerate(labels)}
    rows = {
        name: [
            {"text": text, "labels": sorted(index[label] for label in own if label in index)}
            for text, own in split
        ]
        for name, split in named.items()
    }
    return {"kind": kind, "labels": labels, **rows}

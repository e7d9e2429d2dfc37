"""A user's own table as a dataset: CSV, TSV, JSONL or Parquet, each also gzipped."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePath

from benchbench import API_VERSION, Dataset, Reference, hookimpl
from benchbench_csv.dataset import Table
from benchbench_csv.sources import format_of

BENCHBENCH_API_VERSION = API_VERSION


@hookimpl
def benchbench_datasets() -> Iterable[Dataset]:
    """Supply the dataset `csv`."""
    return [Table()]


@hookimpl
def benchbench_resolve_dataset(reference: str) -> Reference | None:
    """Take a path with a known suffix; name it after its folder and its stem."""
    if format_of(reference) is None:
        return None
    path = PurePath(reference)
    words = re.sub(r"[\W_]+", "-", f"{path.parent.name} {path.name.split('.')[0]}".lower())
    return Reference("csv", words.strip("-") or "table", {"path": reference})

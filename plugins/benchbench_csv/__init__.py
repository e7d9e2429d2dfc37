"""A user's own table as a dataset: CSV, TSV, JSON, JSONL or Parquet, each also gzipped."""

from __future__ import annotations

import re
from collections.abc import Iterable

from benchbench import API_VERSION, Dataset, Reference, hookimpl
from benchbench_csv.csv_dataset import CsvDataset
from benchbench_csv.table_path import format_of, seen_from_here

BENCHBENCH_API_VERSION = API_VERSION


@hookimpl
def benchbench_datasets() -> Iterable[Dataset]:
    """Supply the dataset `csv`."""
    return [CsvDataset()]


@hookimpl
def benchbench_resolve_dataset(reference: str) -> Reference | None:
    """Return the dataset of a path with a known suffix, named after its folder and stem."""
    if format_of(reference) is None:
        return None
    path = seen_from_here(reference)
    words = re.sub(r"[\W_]+", "-", f"{path.parent.name} {path.name.split('.')[0]}".lower())
    return Reference("csv", words.strip("-") or "table", {"path": reference})

"""A user's own table as a dataset: CSV, TSV, JSON, JSONL or Parquet, each also gzipped."""

from __future__ import annotations

from collections.abc import Iterable

from benchbench import API_VERSION, Dataset, Reference, hookimpl
from benchbench_csv.csv_dataset import CsvDataset
from benchbench_csv.table_names import dataset_name, format_of

BENCHBENCH_API_VERSION = API_VERSION


@hookimpl
def benchbench_datasets() -> Iterable[Dataset]:
    """Supply the dataset `csv`."""
    return [CsvDataset()]


@hookimpl
def benchbench_resolve_dataset(reference: str) -> Reference | None:
    """Return the dataset of a path with a known suffix, named after the file."""
    if format_of(reference) is None:
        return None
    return Reference("csv", dataset_name(reference), {"path": reference})

"""What is stored of every attempt at a cell, and what makes two results the same thing."""

from benchbench.records import predictions
from benchbench.records.identity import cell_id, key_of
from benchbench.records.predictions import read_predictions
from benchbench.records.provenance import provenance_of
from benchbench.records.store import (
    Store,
    all_records,
    check_name,
    corrupt_records,
    encode,
    existing_store,
    json_bytes,
    list_names,
    open_store,
    publish,
    read_json,
    record_that_counts,
    records_in,
    records_of,
    write_json,
)

__all__ = [
    "Store",
    "all_records",
    "cell_id",
    "check_name",
    "corrupt_records",
    "encode",
    "existing_store",
    "json_bytes",
    "key_of",
    "list_names",
    "open_store",
    "predictions",
    "provenance_of",
    "publish",
    "read_json",
    "read_predictions",
    "record_that_counts",
    "records_in",
    "records_of",
    "write_json",
]

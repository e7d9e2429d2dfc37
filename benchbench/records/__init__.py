"""The store with one record per attempt, and the ids and keys that identify results."""

from benchbench.records.identity import cell_id, key_of
from benchbench.records.prediction_files import (
    check_complete,
    predictions_table,
    read_predictions,
    write_predictions,
)
from benchbench.records.provenance import provenance_of
from benchbench.records.publishable import publishable_description, publishable_record
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
    read_typed,
    record_that_counts,
    records_in,
    records_of,
    write_json,
)

__all__ = [
    "Store",
    "all_records",
    "cell_id",
    "check_complete",
    "check_name",
    "corrupt_records",
    "encode",
    "existing_store",
    "json_bytes",
    "key_of",
    "list_names",
    "open_store",
    "predictions_table",
    "provenance_of",
    "publish",
    "publishable_description",
    "publishable_record",
    "read_json",
    "read_predictions",
    "read_typed",
    "record_that_counts",
    "records_in",
    "records_of",
    "write_json",
    "write_predictions",
]

"""The store with one record per attempt, and the ids and keys that identify results."""

from benchbench.records.attempts import last_attempt, publish, record_since
from benchbench.records.documents import MOST_BYTES, sealed
from benchbench.records.identity import cell_id, key_of
from benchbench.records.prediction_files import (
    check_complete,
    content_digest,
    predicted_for,
    predictions_table,
    read_predictions,
    write_predictions,
)
from benchbench.records.provenance import provenance_of
from benchbench.records.publishable import publishable_description, publishable_record
from benchbench.records.store import (
    FINAL,
    FOLDERS,
    STATES,
    UNRESOLVED,
    Store,
    all_records,
    check_name,
    corrupt_records,
    encode,
    existing_store,
    list_names,
    open_store,
    read_json,
    read_typed,
    record_that_counts,
    records_in,
    records_of,
    write_json,
)

__all__ = [
    "FINAL",
    "FOLDERS",
    "MOST_BYTES",
    "STATES",
    "UNRESOLVED",
    "Store",
    "all_records",
    "cell_id",
    "check_complete",
    "check_name",
    "content_digest",
    "corrupt_records",
    "encode",
    "existing_store",
    "key_of",
    "last_attempt",
    "list_names",
    "open_store",
    "predicted_for",
    "predictions_table",
    "provenance_of",
    "publish",
    "publishable_description",
    "publishable_record",
    "read_json",
    "read_predictions",
    "read_typed",
    "record_since",
    "record_that_counts",
    "records_in",
    "records_of",
    "sealed",
    "write_json",
    "write_predictions",
]

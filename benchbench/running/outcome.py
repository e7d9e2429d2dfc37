"""The record that a cell's process leaves behind, and the status that an exception gives."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

from benchbench.contract import Diverged, Record, Skip, Status
from benchbench.machine import in_one_line, is_out_of_memory, one_line, read_as
from benchbench.records import publishable_record

OUTCOME = "outcome.json"


def explain(error: BaseException) -> tuple[Status, str]:
    """Return the status and the one-line reason for an exception in a cell."""
    if isinstance(error, Skip):
        return "skipped", in_one_line(str(error))
    if isinstance(error, Diverged):
        return "diverged", in_one_line(str(error))
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", "stopped by the user"
    if is_out_of_memory(error):
        return "oom", one_line(error)
    return "failed", one_line(error)


def write_outcome(folder: Path, record: Record) -> None:
    """Write the record for the executor, as JSON beside the cell's other files."""
    try:
        text = json.dumps(asdict(publishable_record(record)), allow_nan=False)
        read_as(Record, json.loads(text))  # what cannot be read again must not be stored
    except (TypeError, ValueError, RecursionError) as error:
        reason = f"its facts cannot be stored: {one_line(error)}"
        failed = replace(record, status="failed", reason=reason, facts={}, curve=())
        failed = publishable_record(replace(failed, predictions=None, artifacts=None))
        text = json.dumps(asdict(failed))
    (folder / OUTCOME).write_text(text, encoding="utf-8")


def read_outcome(folder: Path) -> Record | None:
    """Return the record that a worker left; None where it is missing or incomplete."""
    try:
        return read_as(Record, json.loads((folder / OUTCOME).read_bytes()))
    except (OSError, ValueError, RecursionError):
        return None

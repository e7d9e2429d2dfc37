"""A watcher that appends what happens in a run to a file: one line of JSON per event.

{"event": "started", "time": ..., "cell": ..., "id": ..., "position": 1, "total": 12}
{"event": "progress", "time": ..., "cell": ..., "id": ..., "stage": ..., "step": ..., ...}
{"event": "finished", "time": ..., "cell": ..., "id": ..., "status": "ok", "reason": "", ...}

Each line is written whole and at once, so that another program may follow the file. The same file
may serve several runs.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from benchbench.contract import Cell, Event, Record, hookimpl
from benchbench.machine import fsio
from benchbench.records import cell_id


class EventFile:
    """Writes the events of a run to an open file; after an error of the disk it writes no more."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._lock, self._broken = file, threading.Lock(), False

    @hookimpl
    def benchbench_cell_started(self, cell: Cell, position: int, total: int) -> None:
        """Write that a cell began."""
        self._write("started", cell, position=position, total=total)

    @hookimpl
    def benchbench_cell_progress(self, cell: Cell, event: Event) -> None:
        """Write what a cell does."""
        values = {name: _finite(value) for name, value in event.values.items()}
        step = {"stage": event.stage, "step": event.step, "total": event.total}
        self._write("progress", cell, **step, values=values)

    @hookimpl
    def benchbench_cell_finished(self, record: Record) -> None:
        """Write how a cell ended, and what it cost."""
        self._write(
            "finished",
            record.cell,
            status=record.status,
            reason=record.reason,
            attempt=record.attempt,
            cost={name: _finite(value) for name, value in record.cost.items()},
        )

    def _write(self, event: str, cell: Cell, **facts: Any) -> None:
        line: Mapping[str, Any] = {
            "event": event,
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "cell": cell.title,
            "id": cell_id(cell),
            **facts,
        }
        data = json.dumps(line, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
        with self._lock:
            if not self._broken:
                self._broken = True  # unless the next line ends well
                self._file.write(data)
                self._broken = False


@contextmanager
def events_to(path: Path) -> Iterator[EventFile]:
    """Give a watcher that appends to a file; raise StoreError where that cannot be written."""
    with fsio.appending(path) as file:
        yield EventFile(file)


def _finite(value: float | int | None) -> float | int | None:
    """Return a number that JSON has; None for any other."""
    return value if value is None or math.isfinite(value) else None

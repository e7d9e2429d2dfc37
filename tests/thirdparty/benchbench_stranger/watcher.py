"""Watch a run: append one line per finished cell to the file that WEATHER_LOG names."""

import os
from pathlib import Path


def note(record):
    path = os.environ.get("WEATHER_LOG")
    if path:
        with Path(path).open("a") as log:
            log.write(f"{record.cell.title}: {record.status} {record.reason}\n")

"""What the name of a table's file tells: its format, and what its dataset is called."""

from __future__ import annotations

import re
from pathlib import Path, PurePath

FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".json": "jsonl",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}


def format_of(name: str) -> str | None:
    """Return the format of a file name's suffix, or None.

    >>> format_of("train.TSV.gz")
    'tsv'
    """
    path = PurePath(name.lower())
    return FORMATS.get((path.with_suffix("") if path.suffix == ".gz" else path).suffix)


def dataset_name(given: str) -> str:
    """Return the name of the dataset in a file: the file's own, links followed.

    It tells no folder, since it stands on every leaderboard.

    >>> dataset_name("/data/of a customer/Claims 2024.csv.gz")
    'claims-2024'
    """
    path = Path(given).expanduser()
    target = path.resolve()
    name = (target if format_of(target.name) == format_of(path.name) else path).name
    return re.sub(r"[\W_]+", "-", name.split(".")[0].lower()).strip("-") or "table"

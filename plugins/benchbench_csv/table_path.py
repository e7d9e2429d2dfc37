"""The path of a table: which file it means, and how the user wrote it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path, PurePath
from typing import Any

from benchbench import Parameter, Value

FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".json": "jsonl",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}


class TablePath(str):
    """A path whose text says which file it means; `given` is how the user wrote it.

    All spellings of one file have one text, so that they make one cell: a file below the working
    folder is called by its path from there, any other by its name and a digest of where it lies.
    So no record holds a folder that only this machine knows. Links are followed. A path that
    leads to no file stays as it is.
    """

    given: str

    def __new__(cls, text: str, given: str) -> TablePath:
        """Return the path `text` that was written as `given`."""
        path = super().__new__(cls, text)
        path.given = given
        return path

    def __getnewargs__(self) -> Any:
        """Return what `__new__` needs when the path is unpickled."""
        return str(self), self.given

    @classmethod
    def of(cls, given: str) -> TablePath:
        """Return the path that the user wrote as `given`."""
        if isinstance(given, cls):
            return given
        return cls(_text(given), given)


class PathParameter(Parameter):
    """A parameter whose value is the path of a table, or empty."""

    __slots__ = ()

    def parse(self, value: Value) -> Value:
        """Return the value as a TablePath."""
        return TablePath.of(value if isinstance(value, str) else str(value))


def format_of(name: str) -> str | None:
    """Return the format of a file name's suffix, or None.

    >>> format_of("train.TSV.gz")
    'tsv'
    """
    path = PurePath(name.lower())
    return FORMATS.get((path.with_suffix("") if path.suffix == ".gz" else path).suffix)


def seen_from_here(given: str) -> PurePath:
    """Return the path of a file from the working folder, links followed.

    It has no folder that every path from here to the file would not have too.
    """
    return PurePath(os.path.relpath(_real(Path(given).expanduser())))


def _text(given: str) -> str:
    try:
        path = Path(given).expanduser()
        if not given or not path.exists():
            return given
        real, here = _real(path), Path.cwd()
    except (OSError, ValueError, RuntimeError):  # no path at all; reading it says so
        return given
    if real.is_relative_to(here):
        return real.relative_to(here).as_posix()
    return f"{real.name}@{hashlib.sha256(os.fsencode(real)).hexdigest()[:12]}"


def _real(path: Path) -> Path:
    """Return the file that a link leads to, unless its name tells another format, or none."""
    real = path.resolve()
    if format_of(real.name) == format_of(path.name):
        return real
    return path.parent.resolve() / path.name

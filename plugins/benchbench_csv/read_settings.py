"""How the files of a dataset are read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchbench import LoaderError
from benchbench_csv.csv_options import CsvOptions


@dataclass(frozen=True, slots=True)
class ReadSettings:
    """How to read files, and the folder in which a file may be unpacked."""

    encoding: str
    delimiter: str
    backslash: bool
    max_newlines: int
    scratch: Path

    @classmethod
    def from_options(cls, options: CsvOptions, scratch: Path) -> ReadSettings:
        """Return the settings that the dataset's options ask for. Raises LoaderError."""
        delimiter = {"tab": "\t", "\\t": "\t"}.get(options.delimiter, options.delimiter)
        if delimiter != "auto" and (len(delimiter) != 1 or delimiter in '"\r\n\0'):
            raise LoaderError(
                f"csv.delimiter must be auto, tab or one character, found {options.delimiter!r}"
            )
        backslash = options.quote_escape == "backslash"
        return cls(options.encoding, delimiter, backslash, options.max_newlines, scratch)

"""Files of other kinds: what they are, and what makes a table of them."""

from __future__ import annotations

from pathlib import PurePath
from typing import NoReturn

from benchbench import LoaderError
from benchbench_csv.table_names import FORMATS

READABLE = f"{', '.join(FORMATS)}, each also as .gz"
SAVE = "save it as CSV from the program that it belongs to"
SHEET = f"a spreadsheet; {SAVE}"
DOCUMENT = f"a document and not a table; {SAVE}"
UNPACK = "an archive; unpack it and give the table in it"
SUFFIXES = {
    ".xlsx": f"an Excel workbook; {SAVE}",
    ".xls": f"an Excel workbook; {SAVE}",
    ".ods": SHEET,
    ".docx": DOCUMENT,
    ".doc": DOCUMENT,
    ".odt": DOCUMENT,
    ".pdf": DOCUMENT,
    ".zip": UNPACK,
    ".tar": UNPACK,
    ".bz2": UNPACK,
    ".xz": UNPACK,
    ".zst": UNPACK,
    ".txt": "a text file of unknown form; name it .csv, .tsv or .jsonl, after what it holds",
    ".feather": "an Arrow file; write it as Parquet",
    ".arrow": "an Arrow file; write it as Parquet",
}
"""What a suffix says of a file that is no table."""
MEMBERS = ((b"xl/", SUFFIXES[".xlsx"]), (b"word/", DOCUMENT), (b"opendocument", SHEET))
"""What the names of the members say of a ZIP archive; they stand in its first bytes."""
MAGIC = (
    (b"PAR1", "a Parquet file; name it .parquet"),
    (b"ARROW1", SUFFIXES[".arrow"]),
    (b"PK\x03\x04", f"a ZIP archive, which is {UNPACK}"),
    (b"\xd0\xcf\x11\xe0", "an old Office file, as .xls or .doc; save it as CSV"),
    (b"%PDF", DOCUMENT),
    (b"BZh", "packed with bzip2; unpack it"),
    (b"\xfd7zXZ", "packed with xz; unpack it"),
    (b"\x28\xb5\x2f\xfd", "packed with Zstandard; unpack it"),
    (b"\x1f\x8b", "gzipped twice; unpack it"),
    (b"SQLite format 3", "a database; write its table as CSV"),
    (b"version https://git-lfs", "a pointer of Git LFS and not the file; run 'git lfs pull'"),
    (b"<!doctype html", "a web page; download the file itself"),
    (b"<html", "a web page; download the file itself"),
)
"""The first bytes of files that are no text, in lower case where they are letters."""
START = max(len(magic) for magic, _ in MAGIC)


def refuse_name(name: str) -> NoReturn:
    """Raise LoaderError for a file name that is none of a table."""
    path = PurePath(name.lower())
    suffix = PurePath(path.stem).suffix if path.suffix == ".gz" else path.suffix
    if suffix in SUFFIXES:
        raise LoaderError(f"{name}: this is {SUFFIXES[suffix]}; what can be read is {READABLE}")
    raise LoaderError(f"{name}: unknown kind of file; give one of {READABLE}")


def refuse_content(name: str, format: str, start: bytes) -> None:
    """Raise LoaderError where a file begins as no table of its format does."""
    if format == "parquet" and start.startswith(b"PAR1"):
        return
    kind = kind_of(start)
    if kind:
        raise LoaderError(f"{name}: by its content this is {kind}")
    if format == "parquet" and start:
        raise LoaderError(f"{name}: not a readable Parquet file; its first bytes are not PAR1")
    if format in ("csv", "tsv") and start.lstrip()[:1] in (b"{", b"[") and b'"' in start[:100]:
        raise LoaderError(f"{name}: by its content this is JSON; name it .json or .jsonl")


def kind_of(start: bytes) -> str | None:
    """Return what a file is by its first bytes, None where they may be text.

    >>> kind_of(b"%PDF-1.7")[:10]
    'a document'
    """
    if start.startswith(b"PK\x03\x04"):
        for member, kind in MEMBERS:
            if member in start:
                return kind
    lowered = start.lstrip()[:START].lower()
    return next(
        (kind for magic, kind in MAGIC if start.startswith(magic) or lowered.startswith(magic)),
        None,
    )

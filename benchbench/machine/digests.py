"""Sha256 digests of plain data, files and folders."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any


def canonical(data: Any) -> bytes:
    """Return the one spelling of plain data: sorted keys, no NaN, a newline at the end."""
    text = json.dumps(
        data, sort_keys=True, allow_nan=False, ensure_ascii=False, separators=(",", ":")
    )
    # a path or a message may hold bytes that are no text: they must not cost the record
    return text.encode("utf-8", "surrogatepass") + b"\n"


def digest(data: Any) -> str:
    """Return the sha256 of the canonical spelling of plain data."""
    return hashlib.sha256(canonical(data)).hexdigest()


def file_digest(path: Path) -> str:
    """Return the sha256 of a file's bytes, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_digest(folder: Path) -> str:
    """Return the sha256 over the names and contents of a folder's files."""
    return digest(
        {
            path.relative_to(folder).as_posix(): file_digest(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
    )

"""A document of a store: plain data in one spelling of JSON, which carries its own sha256.

A document may come from anybody. Its size is looked at before it is read, and its spelling and
checksum before its content is used.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchbench.contract import Json, StoreError
from benchbench.machine import canonical, digest, read_regular

MOST_BYTES = 64 << 20
MOST_CONTAINERS = 4_000_000
"""The most lists and tables: an empty one takes 3 bytes in a file and 64 and more in memory."""


def sealed(data: Json) -> bytes:
    """Return plain data as a document; raise StoreError where it would be too large to read."""
    document = canonical({**data, "sha256": digest(data)})
    if fault := _too_large(document):
        raise StoreError(f"A document cannot be stored: {fault}.")
    return document


def read_sealed(path: Path) -> dict[str, Any]:
    """Return the content of a document's file; raise OSError, or StoreError as `unsealed` does."""
    return unsealed(read_regular(path, MOST_BYTES), str(path))


def unsealed(document: bytes, where: str) -> dict[str, Any]:
    """Return the content of a document; raise StoreError where any byte of it was changed.

    Any other spelling of the same content is refused, e.g. one with a byte order mark, with a
    name that stands twice, or in UTF-16.
    """
    if fault := _too_large(document):
        raise StoreError(f"{where} cannot be read: {fault}.")
    try:
        content = json.loads(document.decode("utf-8", "surrogatepass"))
        spelling = canonical(content)
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{where} cannot be read: {error}.") from error
    if not isinstance(content, dict) or "sha256" not in content:
        raise StoreError(f"{where} cannot be read: it has no checksum.")
    if content.pop("sha256") != digest(content):
        raise StoreError(f"{where} does not match its own checksum: it was changed or cut short.")
    if document != spelling:
        raise StoreError(f"{where} was changed: the same content is spelled in another way.")
    return content


def _too_large(document: bytes) -> str:
    """Return why a document is too large to read, or an empty text."""
    if len(document) > MOST_BYTES:
        return f"it has {len(document):,} bytes, more than {MOST_BYTES:,}"
    containers = document.count(b"[") + document.count(b"{")
    if containers > MOST_CONTAINERS:
        return f"it has {containers:,} lists and tables, more than {MOST_CONTAINERS:,}"
    return ""

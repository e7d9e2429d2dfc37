"""What lies in the folder of caches, and which of it benchbench wrote.

<cache>/<kind>/<sha256>/       an entry, with a manifest: `entry.json` or `contents.json`
<cache>/<kind>/<sha256>.json   a small entry that is its own manifest
<cache>/sent/<kind>/<sha256>/  an entry that another machine has sent

An entry is benchbench's if its manifest carries its own checksum and lists all other files of the
folder. Anything else may be somebody's, and is left alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchbench.machine import NotRegular, digest, read_regular
from benchbench.upkeep.disk_sizes import bytes_below
from benchbench.upkeep.removal import (
    TEMPORARY_NAME,
    Removal,
    is_file,
    is_folder,
    members,
    temporaries_in,
)

ENTRY_NAME = re.compile(r"[0-9a-f]{40,64}")
MANIFESTS = {"entry.json": ("data.arrow",), "contents.json": ()}
"""The manifests, each with the files that it does not list."""
MOST_BYTES = 16 << 20
SENT = "sent"
CONTENTS = {
    "calibrations": "the speed of this machine's matrix products",
    "corpora": "datasets as they were read",
    "features": "vectors of documents from frozen models",
    "quantized": "weights of models in 4 bits",
    SENT: "data, weights and artefacts from another machine",
    "states": "what the frozen layers of a model make of documents",
    "tokens": "token ids of texts",
}
"""The content of the caches that come with benchbench, by kind."""


@dataclass(frozen=True, slots=True)
class CacheUsage:
    """The entries of one kind of cache, and the bytes that its folder takes."""

    kind: str
    content: str
    entries: int
    size: int


def cache_usage(cache: Path) -> list[CacheUsage]:
    """Return what each kind of cache takes, by name; nothing where there is no cache."""
    return [
        CacheUsage(
            folder.name,
            CONTENTS.get(folder.name, "the cache of a plugin"),
            sum(1 for _ in _entries(folder)),
            bytes_below(folder),
        )
        for folder in _kinds(cache)
    ]


def entries_of(cache: Path, kind: str) -> Iterator[Removal]:
    """Yield the entries of a kind of cache that benchbench wrote."""
    for path in _entries(cache / kind):
        if written_by_benchbench(path):
            yield Removal.of(f"cache: {kind}", path)


def temporaries_of_cache(cache: Path) -> Iterator[Removal]:
    """Yield the temporaries that lie in the folder of caches."""
    yield from temporaries_in(cache)
    for folder in _kinds(cache):
        yield from temporaries_in(folder)
        if folder.name == SENT:
            for kind in members(folder):
                yield from temporaries_in(kind)


def written_by_benchbench(entry: Path) -> bool:
    """Say whether an entry of a cache has the form that benchbench gives it, and nothing more."""
    if is_file(entry):
        return bool(entry.suffix == ".json" and ENTRY_NAME.fullmatch(entry.stem) and _sealed(entry))
    if not (is_folder(entry) and ENTRY_NAME.fullmatch(entry.name)):
        return False
    paths = list(entry.rglob("*"))
    if not all(is_file(path) or is_folder(path) for path in paths):
        return False
    names = {path.relative_to(entry).as_posix() for path in paths if is_file(path)}
    return any(
        (listed := _listed(entry / manifest)) is not None and names <= {manifest, *others, *listed}
        for manifest, others in MANIFESTS.items()
    )


def _kinds(cache: Path) -> list[Path]:
    """Return the folders of the kinds of cache."""
    return [
        path for path in members(cache) if is_folder(path) and not TEMPORARY_NAME.match(path.name)
    ]


def _entries(folder: Path) -> Iterator[Path]:
    """Yield the entries of a kind, whoever wrote them."""
    for path in members(folder):
        if TEMPORARY_NAME.match(path.name):
            continue
        if folder.name == SENT and is_folder(path):
            yield from (each for each in members(path) if not TEMPORARY_NAME.match(each.name))
        else:
            yield path


def _listed(manifest: Path) -> set[str] | None:
    """Return the files that a manifest lists; None where there is no such manifest."""
    content = _sealed(manifest)
    if content is None:
        return None
    files = content.get("files", {})
    return set(files) if isinstance(files, dict) else None


def _sealed(path: Path) -> dict[str, Any] | None:
    """Return plain data that carry their own checksum; None where a file holds no such data."""
    try:
        content = json.loads(read_regular(path, MOST_BYTES))
        if isinstance(content, dict) and content.pop("sha256", "") == digest(content):
            return content
    except (OSError, NotRegular, ValueError, RecursionError):
        pass
    return None

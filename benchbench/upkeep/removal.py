"""What can be removed from a disk, and its removal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchbench.machine import TEMPORARY, fsio
from benchbench.upkeep.disk_sizes import bytes_below

SHA256 = re.compile(r"[0-9a-f]{64}")
TEMPORARY_NAME = re.compile(re.escape(TEMPORARY) + r"(probe-)?[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Removal:
    """A file or folder that can go: what kind of thing it is, where it lies, and its bytes."""

    kind: str
    path: Path
    size: int

    @classmethod
    def of(cls, kind: str, path: Path) -> Removal:
        """Return the removal of a path, with the bytes that it has now."""
        return cls(kind, path, bytes_below(path))


def remove(removals: Iterable[Removal]) -> Iterator[Removal]:
    """Remove files and folders, in the order given; yield those that the system did not let go.

    A link is never followed. A folder of records or states that is then empty goes, too.
    """
    for removal in removals:
        path = removal.path
        if is_folder(path):
            fsio.remove_folder(path)
        elif is_file(path):
            fsio.remove_file(path)
        if path.exists() or path.is_symlink():
            yield removal
        elif SHA256.fullmatch(path.parent.name):
            fsio.remove_empty_folder(path.parent)


def is_folder(path: Path) -> bool:
    """Say whether a path is a folder, and no link to one."""
    return path.is_dir() and not path.is_symlink()


def is_file(path: Path) -> bool:
    """Say whether a path is a regular file, and no link to one."""
    return path.is_file() and not path.is_symlink()


def members(folder: Path) -> list[Path]:
    """Return what is in a folder, in order; nothing where it is a link or does not exist."""
    return sorted(folder.iterdir()) if is_folder(folder) else []


def temporaries_in(folder: Path) -> Iterator[Removal]:
    """Yield the temporaries that lie in a folder. Only one who holds it alone may remove them."""
    for path in members(folder):
        if TEMPORARY_NAME.fullmatch(path.name) and (is_folder(path) or is_file(path)):
            yield Removal.of("temporaries", path)

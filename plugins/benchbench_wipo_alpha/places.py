"""Where a document stands in the collection: its split and its folders."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Literal, NamedTuple

from benchbench_wipo_alpha.faults import BadDocument

Half = Literal["train", "test"]
HALVES: tuple[Half, ...] = ("train", "test")


class Place(NamedTuple):
    """A document's split, and its path under that split's folder, as in "A/01/B/001/x.xml"."""

    half: Half
    path: str

    def __str__(self) -> str:
        """Return the path from the collection's root."""
        return f"{self.half}/{self.path}"

    @property
    def code(self) -> str:
        """Return what the folders say the main code starts with."""
        return "".join(self.path.split("/")[:-1]).upper()


def place_of(path: str) -> Place | None:
    """Return the place of a path from the root, which may lie one folder deeper; None elsewhere."""
    parts = PurePosixPath(path).parts
    for depth, part in enumerate(parts[:2]):
        for half in HALVES:
            if part.lower() == half and len(parts) > depth + 1:
                return Place(half, "/".join(parts[depth + 1 :]))
    return None


def check_folders(place: Place, code: str) -> None:
    """Refuse a document that does not stand in the folders of its main code.

    Folders may end early, at the class say, but never name another code. Raises BadDocument.
    """
    folders = place.code
    if not code.strip().upper().startswith(folders[:7]):
        raise BadDocument(f"its main code is {code}, its folders say {folders}")

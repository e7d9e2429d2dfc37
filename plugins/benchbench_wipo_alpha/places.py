"""Where a document stands in the collection: its split and its folders."""

from __future__ import annotations

from functools import lru_cache
from pathlib import PurePosixPath
from typing import Literal

from benchbench_wipo_alpha.faults import BadDocument

Half = Literal["train", "test"]
HALVES: tuple[Half, ...] = ("train", "test")
Place = str
"""A document's split and its path under that split's folder: "train/A/01/B/001/x.xml".

A plain string: 75,000 of them are sorted, compared and sent between processes. It starts with
its half, and no half's name is the start of another's.
"""


def place_of(path: str) -> Place | None:
    """Return the place of a path from the root, which may lie one folder deeper; None elsewhere."""
    parts = PurePosixPath(path).parts
    for depth, part in enumerate(parts[:2]):
        for half in HALVES:
            if part.lower() == half and len(parts) > depth + 1:
                return "/".join((half, *parts[depth + 1 :]))
    return None


def check_folders(place: Place, code: str) -> None:
    """Refuse a document that does not stand in the folders of its main code.

    Folders may end early, at the class say, but never name another code. Raises BadDocument.
    """
    _check_folder(place.rpartition("/")[0], code)


@lru_cache(maxsize=65_536)
def _check_folder(folder: str, code: str) -> None:
    """Do so for a folder, "train/A/01/B", once for all documents in it that have this code."""
    folders = "".join(folder.split("/")[1:]).upper()
    if not code.strip().upper().startswith(folders[:7]):
        raise BadDocument(f"its main code is {code}, its folders say {folders}")

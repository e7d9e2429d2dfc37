"""The place of a document in the collection: its half and its folders."""

from __future__ import annotations

from functools import lru_cache
from pathlib import PurePosixPath
from typing import Literal

from benchbench_wipo_alpha.faults import BadDocument

Half = Literal["train", "test"]
HALVES: tuple[Half, ...] = ("train", "test")
Place = str
"""A document's half and its path under that half's folder: "train/A/01/B/001/x.xml".

It is a plain string, because 75,000 of them are sorted, compared and sent between processes. It
starts with the name of its half, and neither name is a prefix of the other.
"""


def place_of(path: str) -> Place | None:
    """Return the place of a path, None outside the halves.

    The path starts at the root, or at a folder that holds the root.
    """
    parts = PurePosixPath(path).parts
    for depth, part in enumerate(parts[:2]):
        for half in HALVES:
            if part.lower() == half and len(parts) > depth + 1:
                return "/".join((half, *parts[depth + 1 :]))
    return None


def check_folders(place: Place, code: str) -> None:
    """Raise BadDocument for a document that is in the folders of another code.

    Folders may name a part of the main code only, such as its class.
    """
    _check_folder(place.rpartition("/")[0], code)


@lru_cache(maxsize=65_536)
def _check_folder(folder: str, code: str) -> None:
    """Check a folder such as "train/A/01/B" once for all its documents with this code."""
    folders = "".join(folder.split("/")[1:]).upper()
    if not code.strip().upper().startswith(folders[:7]):
        raise BadDocument(f"its main code does not fit its folders, found {code} in {folders}")

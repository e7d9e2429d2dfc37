"""Codes of the International Patent Classification, as WIPO-Alpha writes them.

A code has parts of fixed width: `A01B00116` is section A, class A01, subclass A01B, main group
A01B001 (1/00), subgroup 16. Groups have three digits in the seventh edition. Newer exports write
codes of 14 characters, with groups of four digits.
"""

from __future__ import annotations

import re
from functools import lru_cache

from benchbench import LoaderError
from benchbench_wipo_alpha.faults import BadDocument

WIDTHS = {"section": 1, "class": 3, "subclass": 4, "main-group": 7}
"""Level -> number of characters of a code at that level."""
CODE = re.compile(r"[A-H]\d{2}[A-Z](\d{3}\d{0,6})?", re.ASCII)
NEWER_LENGTH = 14


class NewerCode(LoaderError):
    """A code of 14 characters, from an edition whose groups differ from WIPO-Alpha's."""


@lru_cache(maxsize=65_536)
def cut(code: str, width: int) -> str:
    """Return the first `width` characters of a code. Raises BadDocument, NewerCode."""
    text = code.strip().upper()
    if not CODE.fullmatch(text):
        if NEWER_LENGTH in (len(code), len(text)):
            raise NewerCode(f"'{code}' has {NEWER_LENGTH} characters")
        raise BadDocument(f"'{code}' is not an IPC code such as A01B00116")
    if len(text) < width:
        raise BadDocument(f"the code '{code}' is too short for this level")
    return text[:width]


def parent(code: str) -> str:
    """Return the code one level up, empty for a section."""
    widths = [width for width in WIDTHS.values() if width < len(code)]
    return code[: widths[-1]] if widths else ""


def parents(codes: set[str]) -> dict[str, str]:
    """Map each code and each ancestor to the code one level up; a section has no entry."""
    parent_of: dict[str, str] = {}
    for code in sorted(codes):
        child = code
        while above := parent(child):
            parent_of[child] = above
            child = above
    return dict(sorted(parent_of.items()))

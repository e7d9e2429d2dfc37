"""What the labels of a whole table say about how they were read."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from benchbench import LoaderError
from benchbench_csv.label_cells import NAME_THE_LABELS, LabelCells, plain_label
from benchbench_csv.row_counts import RowCounts

NUMBER = re.compile(r"[+-]?\d{1,40}(\.\d{0,40})?", re.ASCII)
SHARES = re.compile(r"[+-]?(0(\.\d*)?|1(\.0*)?|\d(\.\d*)?e-\d+)|true|false", re.ASCII | re.I)
"""A value of a vector over the labels: 0 or 1, or a share between them."""
VECTOR = re.compile(r"[\[(]?\s*[01](?:\s*[,;|\s]\s*[01]){2,}\s*[\])]?")
"""A whole vector in one cell; `1,0` alone may be a decimal number."""
SEPARATORS = "|;,/+&\t "
FEWEST_LABELS = 6
"""With fewer labels, it cannot be told whether some are combinations of others."""


@dataclass(frozen=True, slots=True)
class Combinations:
    """Labels that are made of others: the separator between them, and an example."""

    separator: str
    count: int
    pieces: int
    example: str


def check_labels(labels: LabelCells, counts: RowCounts) -> None:
    """Raise LoaderError where the labels of a table were read in another way than they are meant.

    Labels that look alike are refused too.
    """
    if len(labels.columns) > 1:
        return
    _refuse_vectors(labels, counts)
    if labels.separator and max(counts.lengths, default=2) < 2:
        _refuse_separator(labels, counts)
    if not labels.multi_label:
        _refuse_combinations(labels, counts)
    _refuse_variants(counts)


def numeric_variants(labels: Counter[str]) -> tuple[str, ...]:
    """Return a warning for each number that is written in several ways."""
    variants: dict[Decimal, list[str]] = defaultdict(list)
    for label in sorted(labels):
        if NUMBER.fullmatch(label):
            variants[Decimal(label)].append(label)
    return tuple(
        f"labels {_listed(labels, same)} are equal as numbers and are kept apart as text"
        for same in variants.values()
        if len(same) > 1
    )


def combinations_in(labels: Iterable[str]) -> Combinations | None:
    """Return how most of the labels are made of a few others; None where they are not.

    >>> names = ["joy", "joy|fear", "fear", "fear|anger", "anger|joy", "anger|fear|joy"]
    >>> combinations_in(names)
    Combinations(separator='|', count=4, pieces=3, example='anger|fear|joy')
    >>> combinations_in(["sport/golf", "sport/judo", "art/film", "art/jazz", "art/dance", "news"])
    """
    names = sorted(labels)
    if len(names) < FEWEST_LABELS:
        return None
    found = [made for mark in SEPARATORS if (made := _made_with(mark, names))]
    return min(found, key=lambda made: made.pieces, default=None)


def _made_with(separator: str, names: list[str]) -> Combinations | None:
    """Return how `names` are made with one separator.

    In a product of two properties ("red, large") no piece stands both first and later. In a
    hierarchy ("sport/golf") every name brings a piece of its own.
    """
    split = [[piece.strip() for piece in name.split(separator)] for name in names]
    made = [pieces for pieces in split if len(pieces) > 1 and all(pieces)]
    pieces = {piece for pieces in split for piece in pieces}
    first, later = {pieces[0] for pieces in split}, {one for many in made for one in many[1:]}
    if 2 * len(made) < len(names) or 2 * len(pieces) > len(names) or not first & later:
        return None
    if separator == " " and any(mark.islower() for piece in pieces for mark in piece):
        return None  # words; codes as in "A01B C07D" are written in capitals
    example = next(name for name, pieces in zip(names, split, strict=True) if len(pieces) > 1)
    return Combinations(separator, len(made), len(pieces), example)


def _refuse_vectors(labels: LabelCells, counts: RowCounts) -> None:
    """Raise LoaderError where cells hold one 0 or 1 for every label in place of names."""
    length = max(counts.lengths, default=0)
    split = counts.lengths == {length} and length > 1 and all(map(SHARES.fullmatch, counts.labels))
    whole = bool(counts.labels) and all(map(VECTOR.fullmatch, counts.labels))
    if split or whole:
        what = f"vectors of {length} numbers" if split else "vectors of 0 and 1"
        raise LoaderError(
            f"{next(iter(counts.places.values()))}: the cells of '{labels.columns[0]}' are {what}, "
            f"which name no labels; {NAME_THE_LABELS}"
        )


def _refuse_separator(labels: LabelCells, counts: RowCounts) -> None:
    """Raise LoaderError for a separator that occurs in no cell."""
    few = ", ".join(repr(label) for label in sorted(counts.labels)[:3])
    made = combinations_in(counts.labels)
    remedy = f"set label_separator={made.separator!r}" if made else "check it"
    raise LoaderError(
        f"{counts.source}: the label separator {labels.separator!r} occurs in no cell of "
        f"'{labels.columns[0]}', found {few}; {remedy}, or leave it out if a row has one label"
    )


def _refuse_combinations(labels: LabelCells, counts: RowCounts) -> None:
    """Raise LoaderError where most classes are combinations of a few labels."""
    made = None if labels.one_label else combinations_in(counts.labels)
    if made:
        raise LoaderError(
            f"{counts.source}: {made.count} of the {len(counts.labels)} labels of "
            f"'{labels.columns[0]}' are combinations of {made.pieces} labels, as in "
            f"{made.example!r}; set label_separator={made.separator!r} (--label-separator "
            f"{made.separator!r}), or label_separator=none if each is one label"
        )


def _refuse_variants(counts: RowCounts) -> None:
    """Raise LoaderError for labels that differ in case, form, spaces or invisible characters."""
    variants: dict[str, list[str]] = defaultdict(list)
    for label in sorted(counts.labels):
        variants[plain_label(label).casefold()].append(label)
    for same in variants.values():
        if len(same) > 1:
            case = len({plain_label(label) for label in same}) == len(same)
            remedy = "" if case else "set csv.normalize_labels=true, "
            places = " and ".join(counts.places[label] for label in same)
            raise LoaderError(
                f"{counts.source}: labels {_listed(counts.labels, same)} differ in case or form "
                f"only (first at {places}); {remedy}write them the same way, or rename one"
            )


def _listed(labels: Counter[str], names: list[str]) -> str:
    """Return labels with their counts; what cannot be told apart by eye is written as escapes."""
    alike = len({plain_label(name) for name in names}) < len(names)
    return ", ".join(f"{ascii(name) if alike else repr(name)} ({labels[name]})" for name in names)

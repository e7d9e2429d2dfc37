"""What the board of a run is called: a narrowed run never takes the place of the whole grid's."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from benchbench.contract import LocalPath, StoreError
from benchbench.evidence import read_board
from benchbench.grids import SHARES, Overrides
from benchbench.machine import digest
from benchbench.records import Store, check_name

LONGEST = 90
LONGEST_SUFFIX = 50
SHORT_DIGEST = 6


@dataclass(frozen=True, slots=True)
class BoardName:
    """The name that is asked for, and the words that tell this run from a wider one.

    - `base` is --name, or the grid's name, or the names of the datasets.
    - `narrowed` has the words of the options that narrow or change a grid.
    - `chosen` has words that are used only where the base is taken by a board with other cells.
    """

    base: str
    given: bool = False
    narrowed: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()

    @property
    def first(self) -> str:
        """The name to use, unless a board with other cells has it."""
        return self.base if self.given else named(self.base, self.narrowed)

    @property
    def second(self) -> str:
        """The name to use where the first is taken; the first where no word tells them apart."""
        return named(self.base, (*self.narrowed, *self.chosen))

    def without(self, datasets: Iterable[str]) -> BoardName:
        """Return the name of a board that lacks datasets which are not on this machine."""
        absent = tuple(datasets)
        words = ("without", *absent) if absent else ()
        return replace(self, chosen=(*self.chosen, *words))

    def settled(self, ids: Iterable[str], store: Store) -> tuple[str, str]:
        """Return (the board's name, a line for the user or an empty text).

        `ids` are those of the run's cells. A board that holds other cells as well stays as it is,
        where an option left them out. Where the grid itself has changed, its board changes too.
        """
        lost = _only_on_board(store, self.first, ids)
        if lost and self.second != self.first:
            return self.second, (
                f"Board '{self.first}' has {_cells(lost)} that this run leaves out, so it stays as "
                f"it is, and the board of this run is '{self.second}'."
            )
        if lost:
            return self.first, (
                f"Board '{self.first}' loses {_cells(lost)} that this run does not have; the "
                "records stay in the store."
            )
        if self.first != self.base:
            return self.first, f"The board of this run is '{self.first}', not '{self.base}'."
        return self.first, ""


def words_of(options: dict[str, Any], overrides: Overrides) -> BoardName:
    """Return the words of the options that choose cells, for a board without a base yet."""
    only = [part.partition("=")[2] for part in ",".join(options["only"]).split(",")]
    narrowed = [
        *(["only", *only] if any(only) else []),
        *(["seeds", *map(str, overrides.seeds)] if overrides.seeds else []),
        *(["limit", str(overrides.limit)] if overrides.limit is not None else []),
        *_learning_words(overrides.learning),
        *(word for name, value in overrides.sets.items() for word in ("set", name, _told(value))),
    ]
    members = [member.name for member in (*overrides.methods, *overrides.backbones)]
    if options["grid"]:
        datasets = [member.name for member in overrides.datasets]
        return BoardName("", False, (*datasets, *members, *narrowed))
    return BoardName("", False, tuple(narrowed), tuple(members))


def _learning_words(shares: tuple[float, ...]) -> tuple[str, ...]:
    """Return the words of --learning, with its shares where they are not the usual ones."""
    if not shares:
        return ()
    told = () if shares == SHARES else tuple(f"{share:g}" for share in reversed(shares))
    return ("learning", *told)


def named(base: str, words: Iterable[str]) -> str:
    """Return the name of a board: its base and the words, or a digest of what does not fit.

    >>> named("default", ["only", "tfidf-svm"])
    'default-only-tfidf-svm'
    """
    words = tuple(words)
    if not words:
        return check_name(base)
    text = "-".join(words)
    suffix = slug(text)
    if suffix != text or len(suffix) > LONGEST_SUFFIX:  # else two selections could have one name
        start = suffix[: LONGEST_SUFFIX - SHORT_DIGEST - 1].rstrip("-._")
        suffix = f"{start}-{digest(list(words))[:SHORT_DIGEST]}"
    return check_name(f"{base[: LONGEST - len(suffix)].rstrip('-._')}-{suffix}")


def slug(text: str) -> str:
    """Return `text` with nothing but the characters of a board's name."""
    return re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-._")


def _told(value: str) -> str:
    """Return a value as a name may tell it: of a path, the name of the file."""
    return PurePath(LocalPath.of(value)).name if "/" in value else value


def _only_on_board(store: Store, name: str, ids: Iterable[str]) -> int:
    """Return how many cells a stored board has that are not among `ids`; 0 without a board."""
    try:
        board = read_board(store, name)
    except StoreError:  # there is none, or none that can be read
        return 0
    return len({entry.id for entry in board.cells} - set(ids))


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"

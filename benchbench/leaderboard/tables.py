"""A table as data: what a reader is shown, and beside it the values that it stands for."""

from __future__ import annotations

from dataclasses import dataclass

Value = float | int | str | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, and a name for each value of its entries ("low" and "high")."""

    title: str
    keys: tuple[str, ...]
    words: bool = False
    """Whether it holds text and is set to the left."""

    @classmethod
    def of(cls, key: str, title: str, *, words: bool = False) -> Column:
        """Return a column of one value."""
        return cls(title, (key,), words)


@dataclass(frozen=True, slots=True)
class Entry:
    """What is shown, and the unrounded values, one for each key of the column."""

    text: str
    values: tuple[Value, ...]

    @classmethod
    def words(cls, text: str) -> Entry:
        """Return an entry that is its own value."""
        return cls(text, (text,))

    @classmethod
    def number(cls, value: float | None, form: str = ".3f", mark: str = "") -> Entry:
        """Return a number in a format of Python's, or a dash where there is none."""
        return cls("–", (None,)) if value is None else cls(f"{value:{form}}{mark}", (value,))

    @classmethod
    def empty(cls, values: int = 1) -> Entry:
        """Return the entry of a column that has nothing to say here."""
        return cls("–", (None,) * values)


@dataclass(frozen=True, slots=True)
class Row:
    """A row, and its place (None: not ranked)."""

    place: int | None
    entries: tuple[Entry, ...]
    reported: bool = False
    """Whether somebody else published it: shown as it was reported, never ranked."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table. `key` names it on the command line and in files, `title` for people."""

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    lengthy: bool = False
    """Whether it is for files that are searched, and too long for a page that is read."""


def p_text(p: float) -> str:
    """Return a p value as it is shown."""
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"

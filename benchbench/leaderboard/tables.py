"""A table as data: the text that is shown, and the values behind it."""

from __future__ import annotations

from dataclasses import dataclass

from benchbench.evidence import Interval

Value = float | int | str | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, and one key per value of its entries (e.g. "low" and "high")."""

    title: str
    keys: tuple[str, ...]
    words: bool = False
    """Whether it has text, which is aligned to the left."""

    @classmethod
    def of(cls, key: str, title: str, *, words: bool = False) -> Column:
        """Return a column of one value."""
        return cls(title, (key,), words)


@dataclass(frozen=True, slots=True)
class Entry:
    """The text that is shown, and the unrounded values, one per key of the column."""

    text: str
    values: tuple[Value, ...]

    @classmethod
    def words(cls, text: str) -> Entry:
        """Return an entry whose value is its text."""
        return cls(text, (text,))

    @classmethod
    def number(cls, value: float | None, form: str = ".3f", mark: str = "") -> Entry:
        """Return a number in a Python format, or a dash where there is no number."""
        return cls("–", (None,)) if value is None else cls(f"{value:{form}}{mark}", (value,))

    @classmethod
    def empty(cls, values: int = 1) -> Entry:
        """Return a dash for a column with that many values."""
        return cls("–", (None,) * values)


@dataclass(frozen=True, slots=True)
class Row:
    """A row, and its place; None where it is not ranked."""

    place: int | None
    entries: tuple[Entry, ...]
    reported: bool = False
    """Whether it is a published score, shown as reported and never ranked."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table. `key` names it on the command line and in files, `title` for people."""

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    lengthy: bool = False
    """Whether it is too long for a page to read: some formats leave it out."""


def interval_entry(interval: Interval | None, form: str = ".3f") -> Entry:
    """Return an interval, or a dash where there is none; the column has the keys low and high."""
    if interval is None:
        return Entry.empty(2)
    low, high = interval.low, interval.high
    return Entry(f"{low:{form}} to {high:{form}}", (low, high))


def p_text(p: float) -> str:
    """Return the text of a p value."""
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"

"""The columns of a table that make a document, and how their cells become a row."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchbench import LoaderError, did_you_mean
from benchbench.kit.data import Document
from benchbench_csv.csv_options import CsvOptions
from benchbench_csv.row_counts import BadRow

Cells = Mapping[str, object]


class Literal(str):
    """A number of a JSON file, kept as it was written: `1.10` stays `1.10`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns to read, and how to read the label column."""

    text: tuple[str, ...]
    label: str
    id: str
    group: str
    weight: str
    label_separator: str
    label_list: bool
    main_is_first: bool

    @classmethod
    def from_options(cls, options: CsvOptions) -> Columns:
        """Return the columns that the dataset's options name. Raises LoaderError."""
        # A comma that is part of a column name has a backslash before it: `a\\,b`.
        pieces = re.split(r"(?<!\\),", options.text)
        text = tuple(piece.replace("\\,", ",").strip() for piece in pieces)
        _check_columns(options, text)
        return cls(
            text,
            options.label,
            options.id,
            options.group,
            options.weight,
            options.label_separator,
            options.label_list,
            options.main_label == "first",
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The name of every column to read, each once."""
        names = (*self.text, self.label, self.id, self.group, self.weight)
        return tuple(dict.fromkeys(name for name in names if name))

    @property
    def multi_label(self) -> bool:
        """Whether a row may have several labels."""
        return bool(self.label_separator) or self.label_list

    def row(self, cells: Cells, fallback_id: str, facts: Counter[str]) -> Document:
        """Return the row that `cells` hold; count repairs in `facts`. Raises BadRow."""
        labels = self._labels(cells[self.label], facts)
        return Document(
            id=_scalar(self.id, cells[self.id]) if self.id else fallback_id,
            text=self._text(cells),
            labels=labels,
            main=labels[0] if self.main_is_first or not self.multi_label else None,
            group=_scalar(self.group, cells[self.group], "") if self.group else "",
            weight=_weight(self.weight, cells[self.weight]) if self.weight else 1.0,
        )

    def _text(self, cells: Cells) -> str:
        parts = []
        for name in self.text:
            cell = cells[name]
            if cell is not None and (not isinstance(cell, str) or isinstance(cell, Literal)):
                raise BadRow(f"'{name}': expected text, found {_shown(cell)}")
            if cell and not cell.isspace():
                parts.append(cell)
        if not parts:
            raise BadRow(f"the text is empty ({', '.join(self.text)})")
        return _checked("\n".join(parts))

    def _labels(self, cell: object, facts: Counter[str]) -> tuple[str, ...]:
        if self.label_list:
            written = [_scalar(self.label, item) for item in _list(self.label, cell)]
        else:
            label = _scalar(self.label, cell)
            written = label.split(self.label_separator) if self.label_separator else [label]
        stripped = [label.strip() for label in written]
        labels = tuple(dict.fromkeys(label for label in stripped if label))
        if not labels:
            raise BadRow(f"the label is empty ({self.label})")
        facts["labels_stripped"] += sum(a != b for a, b in zip(written, stripped, strict=True))
        facts["empty_labels_dropped"] += stripped.count("")
        facts["repeated_labels_dropped"] += len(stripped) - stripped.count("") - len(labels)
        return labels


def _check_columns(options: CsvOptions, text: Sequence[str]) -> None:
    """Raise LoaderError where text or label columns are missing or contradict each other."""
    if not all(text) or not options.label:
        raise LoaderError(
            "csv.text and csv.label must name columns, found "
            f"text={options.text!r} label={options.label!r}"
        )
    if options.label in text:
        raise LoaderError(
            f"the label column '{options.label}' is also a text column, which would give the "
            "answer away; remove it from csv.text"
        )
    if options.label_separator and options.label_list:
        raise LoaderError("give csv.label_separator or csv.label_list, not both")


def unknown_column(where: str, name: str, available: Sequence[str], hint: str = "") -> str:
    """Return the message about a missing column, with the nearest name and all names."""
    return f"{where}: unknown column '{name}'{did_you_mean(name, available)}{hint}"


def _scalar(name: str, cell: object, empty: str | None = None) -> str:
    """Return a cell of one value as text.

    An empty cell becomes `empty`, or is a bad row where that is None. Raises BadRow.
    """
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        if cell != cell:  # NaN, which is how pandas writes a missing number
            raise BadRow(f"'{name}' is empty")
        return str(cell)
    if isinstance(cell, list):
        raise BadRow(f"'{name}' is a list; set label_list=true if it holds labels")
    if cell is not None and not isinstance(cell, str):
        raise BadRow(f"'{name}': expected text or a number, found {_shown(cell)}")
    if not cell or cell.isspace():
        if empty is None:
            raise BadRow(f"'{name}' is empty")
        return empty
    return _checked(cell)


def _list(name: str, cell: object) -> list[object]:
    """Return the items of a list, which may be written as JSON text. Raises BadRow."""
    if isinstance(cell, str) and not isinstance(cell, Literal):
        try:
            cell = json.loads(cell, parse_int=Literal, parse_float=Literal)
        except (ValueError, RecursionError):
            raise BadRow(f"'{name}': expected a JSON list, found {_shown(cell)}") from None
    if not isinstance(cell, list):
        raise BadRow(f"'{name}': expected a list, found {_shown(cell)}")
    return cell


def _weight(name: str, cell: object) -> float:
    """Return a cell as a weight. Raises BadRow."""
    try:
        weight = float(cell) if isinstance(cell, str | int | float) else -1.0
    except (ValueError, OverflowError):
        weight = -1.0
    if not 0 <= weight < float("inf"):
        raise BadRow(f"'{name}': expected a number of at least 0, found {_shown(cell)}")
    return weight


def _checked(text: str) -> str:
    """Return `text` unchanged; raise BadRow for what JSON allows and no text holds."""
    if "\0" in text:
        raise BadRow("the text holds a NUL character; remove it")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadRow("the text holds half of a surrogate pair; remove it") from None
    return str(text)


def _shown(cell: object) -> str:
    """Return a value as it is shown in a message, cut to 40 characters."""
    if cell is None:
        return "null"
    text = str(cell) if isinstance(cell, Literal) else repr(cell)
    return text if len(text) <= 40 else f"{text[:37]}..."

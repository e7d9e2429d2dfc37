"""Which columns of a table make a document, and how their cells become one."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchbench import LoaderError, Params, did_you_mean
from benchbench.kit.data import Document
from benchbench_csv.tally import BadRow

Cells = Mapping[str, object]


class Literal(str):
    """A number of a JSON file as it was written: `1.10` stays `1.10`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns asked for, and how the label column is to be read."""

    text: tuple[str, ...]
    label: str
    id: str
    group: str
    weight: str
    label_separator: str
    label_list: bool
    main_is_first: bool

    @classmethod
    def of(cls, params: Params) -> Columns:
        """Return the columns that a dataset's parameters ask for. Raises LoaderError."""
        # A column name that holds a comma is written with a backslash before it: `a\\,b`.
        pieces = re.split(r"(?<!\\),", str(params["text"]))
        text = tuple(piece.replace("\\,", ",").strip() for piece in pieces)
        label = str(params["label"])
        if not all(text) or not label:
            raise LoaderError(
                "csv.text and csv.label must name columns, found "
                f"text={params['text']!r} label={label!r}"
            )
        if label in text:
            raise LoaderError(
                f"the label column '{label}' is also a text column, which would give the "
                "answer away; take it out of csv.text"
            )
        if params["label_separator"] and params["label_list"]:
            raise LoaderError("give csv.label_separator or csv.label_list, not both")
        return cls(
            text,
            label,
            str(params["id"]),
            str(params["group"]),
            str(params["weight"]),
            str(params["label_separator"]),
            bool(params["label_list"]),
            params["main_label"] == "first",
        )

    @property
    def wanted(self) -> tuple[str, ...]:
        """Return every column that is to be read, once."""
        names = (*self.text, self.label, self.id, self.group, self.weight)
        return tuple(dict.fromkeys(name for name in names if name))

    @property
    def multi_label(self) -> bool:
        """Say whether a row may have several labels."""
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
                raise BadRow(f"'{name}': expected text, found {_named(cell)}")
            if cell and not cell.isspace():
                parts.append(cell)
        if not parts:
            raise BadRow(f"the text is empty ({', '.join(self.text)})")
        return _whole("\n".join(parts))

    def _labels(self, cell: object, facts: Counter[str]) -> tuple[str, ...]:
        if self.label_list:
            given = [_scalar(self.label, item) for item in _list(self.label, cell)]
        else:
            label = _scalar(self.label, cell)
            given = label.split(self.label_separator) if self.label_separator else [label]
        stripped = [label.strip() for label in given]
        labels = tuple(dict.fromkeys(label for label in stripped if label))
        if not labels:
            raise BadRow(f"the label is empty ({self.label})")
        facts["labels_stripped"] += sum(a != b for a, b in zip(given, stripped, strict=True))
        facts["empty_labels_dropped"] += stripped.count("")
        facts["repeated_labels_dropped"] += len(stripped) - stripped.count("") - len(labels)
        return labels


def unknown_column(where: str, name: str, available: Sequence[str], hint: str = "") -> str:
    """Say that a column is not there, which one may be meant, and which there are."""
    return f"{where}: unknown column '{name}'{did_you_mean(name, available)}{hint}"


def _scalar(name: str, cell: object, empty: str | None = None) -> str:
    """Return a cell of one value as text; `empty` stands for an empty one, None refuses it."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        if cell != cell:  # how pandas writes a missing number
            raise BadRow(f"'{name}' is empty")
        return str(cell)
    if isinstance(cell, list):
        raise BadRow(f"'{name}' is a list; give label_list=true if it holds labels")
    if cell is not None and not isinstance(cell, str):
        raise BadRow(f"'{name}': expected text or a number, found {_named(cell)}")
    if not cell or cell.isspace():
        if empty is None:
            raise BadRow(f"'{name}' is empty")
        return empty
    return _whole(cell)


def _list(name: str, cell: object) -> list[object]:
    """Return the items of a native list, or of one written as JSON."""
    if isinstance(cell, str) and not isinstance(cell, Literal):
        try:
            cell = json.loads(cell, parse_int=Literal, parse_float=Literal)
        except (ValueError, RecursionError):
            raise BadRow(f"'{name}': expected a JSON list, found {_named(cell)}") from None
    if not isinstance(cell, list):
        raise BadRow(f"'{name}': expected a list, found {_named(cell)}")
    return cell


def _weight(name: str, cell: object) -> float:
    try:
        weight = float(cell) if isinstance(cell, str | int | float) else -1.0
    except (ValueError, OverflowError):
        weight = -1.0
    if not 0 <= weight < float("inf"):
        raise BadRow(f"'{name}': expected a number of at least 0, found {_named(cell)}")
    return weight


def _whole(text: str) -> str:
    """Return `text` if it is whole: JSON can smuggle in NULs and halves of characters."""
    if "\0" in text:
        raise BadRow("a NUL character; remove it")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadRow("it holds half of a surrogate pair, which is no text") from None
    return str(text)


def _named(cell: object) -> str:
    """Name a value for a message, cut to a readable length."""
    if cell is None:
        return "null"
    shown = str(cell) if isinstance(cell, Literal) else repr(cell)
    return shown if len(shown) <= 40 else f"{shown[:37]}..."

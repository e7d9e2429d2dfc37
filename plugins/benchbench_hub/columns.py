"""The columns of a set that make a document: how they are chosen, and how labels are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchbench import LoaderError, did_you_mean
from benchbench_hub.row_tally import UnusableRow

TEXT = "text"
LABELS = ("label", "labels")
LABEL_TEXT = "label_text"
"""Sets with numbers as labels often have the names of the labels in this column."""
UNLABELLED = -1
"""The number that stands for a label that is kept secret."""


@dataclass(frozen=True, slots=True)
class ColumnNames:
    """The text columns, the label column, and what separates labels in one of its cells."""

    text: tuple[str, ...]
    label: str
    label_separator: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Every column to read."""
        return (*self.text, self.label)


def first_present(
    where: str, alternatives: Sequence[ColumnNames], available: Sequence[str]
) -> ColumnNames:
    """Return the first alternative whose columns are all there. Raises LoaderError."""
    for columns in alternatives:
        if set(columns.names) <= set(available):
            return columns
    expected = " or ".join(",".join(columns.names) for columns in alternatives)
    raise LoaderError(
        f"{where}: expected the columns {expected}; found {', '.join(available)}; rename them, or "
        "read the data as --dataset hub with hub.path, hub.text and hub.label"
    )


def chosen(where: str, text: str, label: str, available: Sequence[str]) -> tuple[str, ...]:
    """Return the text columns and, as the last, the label column.

    `text` is a name or several with commas between them, `label` a name; where one is empty it is
    looked for. Raises LoaderError for an unknown column and where there is no clear one.
    """
    names = tuple(name.strip() for name in text.split(",")) if text else _found(TEXT, available)
    label = label or next(iter(_label_found(available)), "")
    for name in filter(None, (*names, label)):
        if name not in available:
            raise LoaderError(f"{where}: unknown column '{name}'{did_you_mean(name, available)}")
    missing = [noun for noun, found in (("text", names), ("label", label)) if not found]
    if missing:
        raise LoaderError(
            f"{where}: no clear {' and '.join(missing)} column; name "
            f"{'it' if len(missing) == 1 else 'them'} with "
            f"{' and '.join(f'--set hub.{noun}=COLUMN' for noun in missing)}; the columns are "
            f"{', '.join(available)}"
        )
    if label in names:
        raise LoaderError(
            f"{where}: the label column '{label}' is also a text column, which would give the "
            "answer away; remove it from hub.text"
        )
    return (*names, label)


def _found(name: str, available: Sequence[str]) -> tuple[str, ...]:
    return (name,) if name in available else ()


def _label_found(available: Sequence[str]) -> tuple[str, ...]:
    """Return the label column where it is clear, else nothing."""
    present = tuple(name for name in LABELS if name in available)
    return _found(LABEL_TEXT, available) or (present if len(present) == 1 else ())


def label_names(feature: Any) -> tuple[str, ...]:
    """Return the names of the numbers in a column of class labels, single or in lists."""
    from datasets import ClassLabel

    inner = getattr(feature, "feature", feature)
    return tuple(inner.names or ()) if isinstance(inner, ClassLabel) else ()


@dataclass(frozen=True, slots=True)
class RowReader:
    """Reads a row's text and labels. `names` are the labels that numbers stand for, if any."""

    columns: ColumnNames
    names: tuple[str, ...]
    multi_label: bool

    def text(self, row: Mapping[str, Any]) -> str:
        """Return the text: its columns that are not empty, joined by newlines.

        Raises UnusableRow.
        """
        parts = []
        for name in self.columns.text:
            cell = row[name]
            if cell is not None and not isinstance(cell, str):
                raise UnusableRow(f"'{name}': expected text, found {cell!r:.40}")
            if cell and not cell.isspace():
                parts.append(cell)
        if not parts:
            raise UnusableRow(f"the text is empty ({', '.join(self.columns.text)})")
        return "\n".join(parts)

    def labels(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the labels without repeats; a list may be empty. Raises UnusableRow."""
        cell = row[self.columns.label]
        if not self.multi_label:
            return (self._name(cell),)
        if isinstance(cell, list):
            self._refuse_one_hot(cell)
            return tuple(dict.fromkeys(self._name(item) for item in cell))
        if not self.columns.label_separator or not isinstance(cell, str):
            return (self._name(cell),)
        labels = [label.strip() for label in cell.split(self.columns.label_separator)]
        if not any(labels):
            raise UnusableRow(f"the label is missing ({self.columns.label})")
        return tuple(dict.fromkeys(self._name(label) for label in labels if label))

    def _refuse_one_hot(self, cell: Sequence[object]) -> None:
        """Raise UnusableRow for a list such as [0, 1, 0], which says which labels hold."""
        if len(cell) > 1 and len(cell) > len(set(map(str, cell))) and set(cell) <= {0, 1}:
            raise UnusableRow(
                f"'{self.columns.label}' has a 0 or 1 for each label; it must list the labels"
            )

    def _name(self, cell: object) -> str:
        """Return the label that a cell stands for. Raises UnusableRow."""
        if isinstance(cell, list | dict):
            raise UnusableRow(f"'{self.columns.label}' is a list; set kind=multi-label")
        if isinstance(cell, float) and cell.is_integer():
            cell = int(cell)  # numbers beside missing ones become floats on their way
        text = str(cell).strip().lower() if isinstance(cell, bool) else str(cell).strip()
        if cell is None or not text or (text == "nan" and isinstance(cell, float)):
            raise UnusableRow(f"the label is missing ({self.columns.label})")
        if self.names and text not in self.names:
            return self._of_number(text)
        if text == str(UNLABELLED):
            raise UnusableRow(f"'{self.columns.label}' is {UNLABELLED}: the row has no label")
        return text

    def _of_number(self, text: str) -> str:
        if text == str(UNLABELLED):
            raise UnusableRow(f"'{self.columns.label}' is {UNLABELLED}: the row has no label")
        if not text.isdecimal() or int(text) >= len(self.names):
            raise UnusableRow(
                f"'{self.columns.label}': expected a label or a number below {len(self.names)}, "
                f"found {text!r:.40}"
            )
        return self.names[int(text)]

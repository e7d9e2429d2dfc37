"""The labels of a row: in one cell, in a list, or in columns of 0 and 1."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass

from benchbench import LoaderError
from benchbench_csv.cells import FLAGS, Cells, as_flag, as_list, as_text, is_empty
from benchbench_csv.column_names import column_names
from benchbench_csv.csv_options import CsvOptions
from benchbench_csv.row_counts import BadRow

ONE_LABEL = "none"
"""The separator of cells that hold one label, also where they look like several."""
TAB = {"tab": "\t", "\\t": "\t"}
"""How a tab is written on a command line."""
NAME_THE_LABELS = (
    "write one column of 0 and 1 per label and name them all, as in --label pump,valve,seal; or "
    "write the names of the labels in one column"
)
"""What to do about vectors of 0 and 1."""


@dataclass(frozen=True, slots=True)
class LabelCells:
    """The label columns, and how a row's labels stand in them.

    Several columns say with 0 or 1 whether a document has the label that the column is named
    after. Of one column, a cell is a list, or several labels with `separator` between them, or
    one label. `one_label` says that it is one also where it looks like several.
    """

    columns: tuple[str, ...]
    separator: str
    lists: bool
    one_label: bool
    normalized: bool

    @classmethod
    def from_options(cls, options: CsvOptions) -> LabelCells:
        """Return how labels stand in the file. Raises LoaderError for a contradiction."""
        columns = column_names("csv.label", options.label)
        one_label = options.label_separator == ONE_LABEL
        separator = "" if one_label else TAB.get(options.label_separator, options.label_separator)
        ways = {
            "csv.label_separator": bool(separator),
            "csv.labels_are_lists (--label-list)": options.labels_are_lists,
            "several label columns": len(columns) > 1,
        }
        given = [name for name, chosen in ways.items() if chosen]
        if len(given) > 1:
            raise LoaderError(f"give {' or '.join(given)}, not both")
        if len(columns) > 1 and options.main_label == "first":
            raise LoaderError("csv.main_label=first needs labels in an order; columns have none")
        lists, normalized = options.labels_are_lists, options.normalize_labels
        return cls(columns, separator, lists, one_label, normalized)

    @property
    def multi_label(self) -> bool:
        """Whether a row may have several labels."""
        return len(self.columns) > 1 or bool(self.separator) or self.lists

    def written(self, cells: Cells) -> list[str]:
        """Return the labels as they stand in a row's cells; none where there is none.

        Raises BadRow.
        """
        name = self.columns[0]
        if len(self.columns) > 1:
            return [column for column in self.columns if as_flag(column, cells[column])]
        if self.lists:
            return [as_text(name, item) for item in as_list(name, cells[name])]
        if self.separator and is_empty(cells[name]):
            return []
        if isinstance(cells[name], list):
            raise BadRow(_about_list(name, cells[name]))
        label = as_text(name, cells[name])
        return label.split(self.separator) if self.separator else [label]

    def cleaned(self, written: list[str], facts: Counter[str]) -> tuple[str, ...]:
        """Return the labels of a row, each once; count repairs in `facts`.

        Raises BadRow for single-label data without a label.
        """
        stripped = [label.strip() for label in written]
        facts["labels_stripped"] += sum(a != b for a, b in zip(written, stripped, strict=True))
        if self.normalized:
            plain = [plain_label(label) for label in stripped]
            facts["labels_normalized"] += sum(a != b for a, b in zip(stripped, plain, strict=True))
            stripped = plain
        labels = tuple(dict.fromkeys(label for label in stripped if label))
        if not labels and not self.multi_label:
            raise BadRow(f"the label is empty ({self.columns[0]})")
        if not labels:
            facts["documents_without_labels"] += 1
        facts["empty_labels_dropped"] += stripped.count("")
        facts["repeated_labels_dropped"] += len(stripped) - stripped.count("") - len(labels)
        return labels


def plain_label(label: str) -> str:
    r"""Return a label in Unicode's form NFKC, with single spaces and no invisible characters.

    >>> plain_label("cafe\u0301\u00a0 one\u200b") == "caf\u00e9 one"
    True
    """
    composed = unicodedata.normalize("NFKC", label)
    visible = "".join(mark for mark in composed if not is_invisible(mark))
    return " ".join(visible.split())


def is_invisible(mark: str) -> bool:
    """Say whether a character takes no room: format characters and variation selectors."""
    return unicodedata.category(mark) == "Cf" or "\ufe00" <= mark <= "\ufe0f"


def _about_list(name: str, cell: object) -> str:
    """Return what to do about a list in a cell that should hold text."""
    if isinstance(cell, list) and len(cell) > 1 and all(str(item) in FLAGS for item in cell):
        return f"'{name}' is a vector of 0 and 1, which names no labels; {NAME_THE_LABELS}"
    return f"'{name}' is a list; set labels_are_lists=true (--label-list) if it holds labels"

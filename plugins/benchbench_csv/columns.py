"""The columns of a table that make a document, and how their cells become a row."""

from __future__ import annotations

from dataclasses import dataclass

from benchbench import LoaderError
from benchbench.kit.data import Document
from benchbench_csv.cells import Cells, Literal, as_text, as_weight, checked, shown
from benchbench_csv.column_names import column_names, plain_name
from benchbench_csv.csv_options import CsvOptions
from benchbench_csv.label_cells import LabelCells
from benchbench_csv.row_counts import BadRow, RowCounts


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns to read, by their names in the parameters."""

    text: tuple[str, ...]
    labels: LabelCells
    id: str
    group: str
    weight: str
    main_is_first: bool

    @classmethod
    def from_options(cls, options: CsvOptions) -> Columns:
        """Return the columns that the dataset's options name. Raises LoaderError."""
        text = column_names("csv.text", options.text)
        labels = LabelCells.from_options(options)
        for name in map(plain_name, labels.columns):
            if name in map(plain_name, text):
                raise LoaderError(
                    f"the label column '{name}' is also a text column, which would give the "
                    "answer away; remove it from csv.text"
                )
        main_is_first = options.main_label == "first"
        return cls(text, labels, options.id, options.group, options.weight, main_is_first)

    @property
    def names(self) -> tuple[str, ...]:
        """The name of every column to read, each once."""
        names = (*self.text, *self.labels.columns, self.id, self.group, self.weight)
        return tuple(dict.fromkeys(name for name in names if name))

    def row(self, cells: Cells, fallback_id: str, counts: RowCounts) -> Document:
        """Return the row that `cells` hold; count repairs in `counts`. Raises BadRow."""
        written = self.labels.written(cells)
        labels = self.labels.cleaned(written, counts.facts)
        one_is_main = self.main_is_first or not self.labels.multi_label
        document = Document(
            id=as_text(self.id, cells[self.id]) if self.id else fallback_id,
            text=self._text(cells),
            labels=labels,
            main=labels[0] if labels and one_is_main else None,
            group=as_text(self.group, cells[self.group], "") if self.group else "",
            weight=as_weight(self.weight, cells[self.weight]) if self.weight else 1.0,
        )
        counts.lengths.add(len(written))
        return document

    def _text(self, cells: Cells) -> str:
        parts = []
        for name in self.text:
            cell = cells[name]
            if cell is not None and (not isinstance(cell, str) or isinstance(cell, Literal)):
                raise BadRow(f"'{name}': expected text, found {shown(cell)}")
            if cell and not cell.isspace():
                parts.append(cell)
        if not parts:
            raise BadRow(f"the text is empty ({', '.join(self.text)})")
        return checked("\n".join(parts))

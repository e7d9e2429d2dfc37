"""The parameters of the dataset `csv`, as they are declared and as its code reads them."""

from __future__ import annotations

from dataclasses import dataclass

from benchbench import Parameter
from benchbench.kit.data import BAD_ROW_PARAMETERS, SPLIT_PARAMETERS, unseen_labels

PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        "path", str, None, "file of training rows: .csv .tsv .json .jsonl .parquet, also .gz"
    ),
    Parameter("validation", str, "", "file of validation rows; empty: split off from training"),
    Parameter("test", str, "", "file of test rows; empty: split off from training"),
    Parameter(
        "text",
        str,
        None,
        "text column; several columns, separated by commas, are joined by newlines (write \\, for "
        "a comma in a name)",
    ),
    Parameter(
        "label",
        str,
        None,
        "label column; or several, separated by commas, that hold 0 or 1: each is a label, and the "
        "data are multi-label (write \\, for a comma in a name)",
    ),
    Parameter(
        "label_separator",
        str,
        "",
        "separates labels in a cell; makes it multi-label; none: a cell is one label, also where "
        "it looks like several",
    ),
    Parameter(
        "labels_are_lists", bool, False, "a label cell is a (JSON) list; makes it multi-label"
    ),
    Parameter(
        "normalize_labels",
        bool,
        False,
        "write labels in Unicode's form NFKC, with single spaces and no invisible characters",
    ),
    Parameter(
        "main_label",
        str,
        "none",
        "multi-label: whether the first label of a row is its main one",
        choices=("none", "first"),
    ),
    Parameter("id", str, "", "id column; empty: the split's name and the row's number"),
    Parameter("group", str, "", "column of groups; rows of one group stay in one split"),
    Parameter("weight", str, "", "column of weights, numbers of at least 0"),
    *SPLIT_PARAMETERS,
    Parameter("encoding", str, "utf-8", "encoding of text files; a byte order mark overrides it"),
    Parameter("delimiter", str, "auto", "one character, or tab; auto: tab in .tsv, else comma"),
    Parameter(
        "quote_escape",
        str,
        "doubled",
        'how a quote is written in a quoted field: doubled as "", or after a backslash as \\"',
        choices=("doubled", "backslash"),
    ),
    Parameter("max_newlines", int, 50, "most newlines in one quoted field", minimum=0),
    *BAD_ROW_PARAMETERS,
    unseen_labels(),
)


@dataclass(frozen=True, slots=True)
class CsvOptions:
    """The parameters of one dataset `csv`, with a value for each."""

    path: str
    validation: str
    test: str
    text: str
    label: str
    label_separator: str
    labels_are_lists: bool
    normalize_labels: bool
    main_label: str
    id: str
    group: str
    weight: str
    validation_fraction: float
    test_fraction: float
    encoding: str
    delimiter: str
    quote_escape: str
    max_newlines: int
    on_bad_row: str
    max_skipped: float
    unseen_labels: str
    split_seed: int

    @property
    def skips_bad_rows(self) -> bool:
        """Say whether bad rows are skipped and counted."""
        return self.on_bad_row == "skip"

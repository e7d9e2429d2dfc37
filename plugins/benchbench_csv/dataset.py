"""The dataset `csv`: its parameters, and how its files become a corpus."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from benchbench import Corpus, Kind, LoaderError, Parameter, Params, Split
from benchbench.kit.data.corpora import BuildOptions, build_corpus
from benchbench_csv.columns import Columns
from benchbench_csv.readers import Format, read_rows
from benchbench_csv.sources import Source, digest, find_source
from benchbench_csv.tally import Tally

PARAMETERS: tuple[Parameter, ...] = (
    Parameter("path", str, None, "file of training rows: .csv .tsv .jsonl .parquet, also .gz"),
    Parameter("validation", str, "", "file of validation rows; empty: carved from training"),
    Parameter("test", str, "", "file of test rows; empty: carved from training"),
    Parameter(
        "text",
        str,
        None,
        "text column; several, separated by commas, are joined by newlines (write \\, for a "
        "comma in a name)",
    ),
    Parameter("label", str, None, "label column"),
    Parameter("label_separator", str, "", "separates labels in a cell; makes it multi-label"),
    Parameter("label_list", bool, False, "a label cell is a (JSON) list; makes it multi-label"),
    Parameter(
        "main_label",
        str,
        "none",
        "multi-label: whether the first label of a row is its main one",
        choices=("none", "first"),
    ),
    Parameter("id", str, "", "id column; empty: the split's name and the row's number"),
    Parameter("group", str, "", "column of groups that must not straddle splits"),
    Parameter("weight", str, "", "column of weights, numbers of at least 0"),
    Parameter("validation_fraction", float, 0.1, "share carved out", minimum=0.001, maximum=0.9),
    Parameter("test_fraction", float, 0.2, "share carved out", minimum=0.001, maximum=0.9),
    Parameter("encoding", str, "utf-8", "of text files; a byte order mark decides before it"),
    Parameter("delimiter", str, "auto", "one character, or tab; auto: tab in .tsv, else comma"),
    Parameter("max_newlines", int, 50, "most newlines in one quoted field", minimum=0),
    Parameter("on_bad_row", str, "error", "what to do with it", choices=("error", "skip")),
    Parameter("max_skipped", float, 0.01, "largest share of bad rows", minimum=0, maximum=1),
    Parameter(
        "unseen_labels",
        str,
        "error",
        "labels that training lacks: refuse them, or keep them as always missed",
        choices=("error", "keep"),
    ),
)


class Table:
    """A user's own table: one file that is split, or a file a split."""

    name = "csv"
    description = "your own table: CSV, TSV, JSONL or Parquet, each also gzipped"
    parameters = PARAMETERS

    def kind(self, params: Params) -> Kind:
        """Return multi-label where the label cell holds several."""
        return "multi-label" if Columns.of(params).multi_label else "single-label"

    def source(self, params: Params) -> str:
        """Return the sha256 of every file's role and bytes. Raises LoaderError."""
        files = [(source.role, digest(source)) for source in _sources(params)]
        return hashlib.sha256(json.dumps(files).encode()).hexdigest()

    def load(self, params: Params, folder: Path) -> Corpus:
        """Read the files into Arrow files under `folder`. Raises LoaderError."""
        folder.mkdir(parents=True, exist_ok=True)
        sources, columns, how = _sources(params), Columns.of(params), Format.of(params, folder)
        origin = ", ".join(str(source.path) for source in sources)
        skip = params["on_bad_row"] == "skip"
        for source in sources:  # a wrong column in the last file shows before the first is read
            next(read_rows(source, columns, how, Tally(origin, skip, 1.0)), None)
        tally = Tally(origin, skip, float(params["max_skipped"]))
        return build_corpus(
            folder,
            self.kind(params),
            {source.role: read_rows(source, columns, how, tally) for source in sources},
            options=BuildOptions(
                validation_fraction=float(params["validation_fraction"]),
                test_fraction=float(params["test_fraction"]),
                split_seed=int(params["split_seed"]),
                unseen_labels=str(params["unseen_labels"]),
                source=origin,
            ),
            report=tally.report,
        )


def _sources(params: Params) -> list[Source]:
    """Return the files given, in the order train, validation, test. Raises LoaderError."""
    roles: tuple[tuple[Split, str], ...] = (
        ("train", "path"),
        ("validation", "validation"),
        ("test", "test"),
    )
    given = [(role, str(params[name])) for role, name in roles if role == "train" or params[name]]
    sources = [find_source(path, role) for role, path in given]
    for number, source in enumerate(sources):
        for other in sources[:number]:
            if source.path.samefile(other.path):
                raise LoaderError(
                    f"{source.path}: given as {other.role} and as {source.role}; "
                    "give different files"
                )
    return sources

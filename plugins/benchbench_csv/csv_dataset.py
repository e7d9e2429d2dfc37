"""The dataset `csv`: how a user's files become a corpus."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from benchbench import Corpus, Kind, LoaderError, LoadReport, Params, Split
from benchbench.kit.data import BuildOptions, build_corpus
from benchbench.kit.typed_parameters import read_parameters
from benchbench_csv.columns import Columns
from benchbench_csv.csv_options import PARAMETERS, CsvOptions
from benchbench_csv.label_checks import check_labels, numeric_variants
from benchbench_csv.read_settings import ReadSettings
from benchbench_csv.readers import read_rows
from benchbench_csv.row_counts import RowCounts
from benchbench_csv.table_files import TableFile, digest, find_table_file


class CsvDataset:
    """A user's own table: one file that is split, or one file per split."""

    name = "csv"
    description = "your own table: CSV, TSV, JSON, JSONL or Parquet, each also gzipped"
    parameters = PARAMETERS

    def kind(self, params: Params) -> Kind:
        """Return multi-label where a row may have several labels."""
        columns = Columns.from_options(read_parameters(CsvOptions, params))
        return "multi-label" if columns.labels.multi_label else "single-label"

    def source(self, params: Params) -> str:
        """Return the sha256 of every file's role and bytes. Raises LoaderError."""
        files = _table_files(read_parameters(CsvOptions, params))
        digests = [(file.role, digest(file)) for file in files]
        return hashlib.sha256(json.dumps(digests).encode()).hexdigest()

    def load(self, params: Params, folder: Path) -> Corpus:
        """Read the files into Arrow files under `folder`. Raises LoaderError."""
        folder.mkdir(parents=True, exist_ok=True)
        options = read_parameters(CsvOptions, params)
        files, columns = _table_files(options), Columns.from_options(options)
        settings = ReadSettings.from_options(options, folder)
        origin = ", ".join(file.name for file in files)
        for file in files:  # read one row of each: a wrong column in the last file shows at once
            first_row = RowCounts(origin, options.skips_bad_rows, 1.0)
            next(read_rows(file, columns, settings, first_row), None)
        counts = RowCounts(origin, options.skips_bad_rows, options.max_skipped)
        return build_corpus(
            folder,
            self.kind(params),
            {file.role: read_rows(file, columns, settings, counts) for file in files},
            options=BuildOptions(
                validation_fraction=options.validation_fraction,
                test_fraction=options.test_fraction,
                split_seed=options.split_seed,
                unseen_labels=options.unseen_labels,
                source=origin,
            ),
            report=lambda: _report(counts, columns),
        )


def _report(counts: RowCounts, columns: Columns) -> LoadReport:
    """Return what became of the rows. Raises LoaderError for rows or labels that are not right."""
    counts.check_share()
    check_labels(columns.labels, counts)
    return counts.report(numeric_variants(counts.labels))


def _table_files(options: CsvOptions) -> list[TableFile]:
    """Return the files in the order train, validation, test. Raises LoaderError."""
    paths: tuple[tuple[Split, str], ...] = (
        ("train", options.path),
        ("validation", options.validation),
        ("test", options.test),
    )
    files = [find_table_file(path, role) for role, path in paths if role == "train" or path]
    for number, file in enumerate(files):
        for other in files[:number]:
            if file.path.samefile(other.path):
                raise LoaderError(
                    f"{file.name}: used both as {other.role} and as {file.role}; "
                    "give a different file for each"
                )
    return files

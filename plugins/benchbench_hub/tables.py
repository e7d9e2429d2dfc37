"""Opening a source with the `datasets` library: one table per split, with its features."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from benchbench import LoaderError
from benchbench_hub.sources import (
    CARD_FILE,
    DatasetRepository,
    LocalFiles,
    LocalFolder,
    Source,
    builder_of,
)

if TYPE_CHECKING:
    import datasets

    Table: TypeAlias = datasets.Dataset
EXPORT = "refs/convert/parquet"
"""The branch on which the hub keeps a Parquet copy of what a loading script gives."""


def open_tables(source: Source, config: str, scratch: Path) -> dict[str, Table]:
    """Return the table of every split of a source; what is prepared lies under `scratch`.

    Raises LoaderError in one line for whatever the library cannot read, Skip like
    `DatasetRepository.snapshot`.
    """
    place = _place(source, config)
    with _quiet(), _one_line(source):
        builder = _builder(place, scratch)
        builder.download_and_prepare()
        return {str(split): table for split, table in builder.as_dataset().items()}


def first_row(source: Source, config: str, split: str, scratch: Path) -> Mapping[str, Any]:
    """Return the first row of a split without preparing a table. Raises like `open_tables`.

    The library could stream it, but would import torch for that.
    """
    place = _place(source, config)
    with _quiet(), _one_line(source):
        builder = _builder(place, scratch)
        path = Path(builder.config.data_files[split][0])
        return FIRST_ROWS[builder_of(path)](path, builder)


def _first_of_csv(path: Path, builder: Any) -> Mapping[str, Any]:
    return dict.fromkeys(builder.config.features, "")


def _first_of_json(path: Path, builder: Any) -> Mapping[str, Any]:
    with (gzip.open if path.suffix.lower() == ".gz" else open)(path) as lines:
        first = json.loads(lines.readline())
        row: Mapping[str, Any] = first[0] if isinstance(first, list) else first
        return row


def _first_of_parquet(path: Path, builder: Any) -> Mapping[str, Any]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        row: Mapping[str, Any] = next(file.iter_batches(1)).to_pylist()[0]
        return row


FIRST_ROWS: Mapping[str, Callable[[Path, Any], Mapping[str, Any]]] = {
    "csv": _first_of_csv,
    "json": _first_of_json,
    "parquet": _first_of_parquet,
}


def _place(source: Source, config: str) -> dict[str, Any]:
    """Return the arguments that tell the library where the files are.

    Without a README, as in a Parquet copy, each configuration is a folder.
    """
    if isinstance(source, LocalFiles):
        files = {split: [str(path)] for split, path in source.files.items()}
        return {"path": builder_of(source.files["train"]), "data_files": files}
    folder = source.path if isinstance(source, LocalFolder) else source.snapshot()
    if config and not (folder / CARD_FILE).exists() and (folder / config).is_dir():
        return {"path": str(folder / config)}
    return {"path": str(folder), "name": config or None}


def _builder(place: Mapping[str, Any], scratch: Path) -> Any:
    """Return the builder of a source.

    Cells of CSV files stay as they are written: pandas would make numbers of codes such as 007,
    and nothing of words such as "none" and "NA".
    """
    from datasets import Features, Value, load_dataset_builder

    given = {**place, "cache_dir": str(scratch)}
    builder = load_dataset_builder(**given)
    if not hasattr(builder.config, "keep_default_na"):
        return builder
    features = builder.info.features or Features(dict.fromkeys(_header(builder), Value("string")))
    return load_dataset_builder(**given, features=features, keep_default_na=False, na_filter=False)


def _header(builder: Any) -> list[str]:
    """Return the column names of the first CSV file of a builder."""
    import pandas as pd  # type: ignore[import-untyped]

    first = next(iter(builder.config.data_files.values()))[0]
    settings = {**builder.config.pd_read_csv_kwargs, "nrows": 0, "chunksize": None}
    return [str(name) for name in pd.read_csv(first, **settings).columns]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library's progress bars and messages off the terminal."""
    import datasets

    verbosity = datasets.logging.get_verbosity()
    bars = not datasets.are_progress_bars_disabled()
    datasets.logging.set_verbosity(datasets.logging.CRITICAL)
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        datasets.logging.set_verbosity(verbosity)
        if bars:
            datasets.enable_progress_bars()


@contextmanager
def _one_line(source: Source) -> Iterator[None]:
    """Turn an error of the library into a LoaderError of one line with a remedy."""
    try:
        yield
    except LoaderError:
        raise
    except Exception as error:  # the library passes on what pandas, pyarrow and the system raise
        raise LoaderError(f"{source.origin}: {_explained(source, error)}") from error


def _explained(source: Source, error: Exception) -> str:
    """Return what is wrong and what to do about it."""
    cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
    said = (str(cause).strip() or type(cause).__name__).splitlines()[0].rstrip(".:")[:300]
    if isinstance(error, FileNotFoundError) and "Unable to find" not in said:
        if not isinstance(source, DatasetRepository):
            return "no table that is named after a split, such as train.csv; rename the files"
        return (
            "no tables here; it may need code of its own, which benchbench does not run: try "
            f"its Parquet copy with revision={EXPORT}"
        )
    if "corresponds to no data" in said:
        return f"a split has no rows ({said}); give at least one, or remove its file"
    if "BuilderConfig" in said or "Config name is missing" in str(error):
        return f"{' '.join(str(error).split())[:300]}; set its config"
    return f"{said}; check that its tables are whole, as CSV, JSON lines or Parquet"

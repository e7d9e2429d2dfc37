"""Opening a source with the `datasets` library: one table per split, with its features."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench import LoaderError
from benchbench_hub.sources import DatasetRepository, LocalFiles, LocalFolder, Source, builder_of

if TYPE_CHECKING:
    import datasets

    Table = datasets.Dataset
EXPORT = "refs/convert/parquet"
"""The branch on which the hub keeps a Parquet copy of what a loading script gives."""


def open_tables(source: Source, config: str, scratch: Path) -> dict[str, Table]:
    """Return the table of every split of a source; what is prepared lies under `scratch`.

    Raises LoaderError in one line for whatever the library cannot read, Skip like
    `DatasetRepository.snapshot`.
    """
    place = _place(source)
    with _quiet(), _one_line(source):
        builder = _builder(place, config, scratch)
        builder.download_and_prepare()
        return {str(split): table for split, table in builder.as_dataset().items()}


def first_row(source: Source, config: str, split: str, scratch: Path) -> Mapping[str, Any]:
    """Return the first row of a split without preparing the others. Raises like `open_tables`."""
    place = _place(source)
    with _quiet(), _one_line(source):
        stream = _builder(place, config, scratch).as_streaming_dataset(split=split)
        row: Mapping[str, Any] = next(iter(stream), {})
        return row


def _place(source: Source) -> dict[str, Any]:
    """Return the arguments that tell the library where the files are."""
    if isinstance(source, LocalFiles):
        files = {split: [str(path)] for split, path in source.files.items()}
        return {"path": builder_of(source.files["train"]), "data_files": files}
    folder = source.path if isinstance(source, LocalFolder) else source.snapshot()
    return {"path": str(folder)}


def _builder(place: Mapping[str, Any], config: str, scratch: Path) -> Any:
    """Return the builder of a source.

    Cells of CSV files stay as they are written: pandas would make numbers of codes such as 007,
    and nothing of words such as "none" and "NA".
    """
    from datasets import Features, Value, load_dataset_builder

    given = {**place, "name": config or None, "cache_dir": str(scratch)}
    builder = load_dataset_builder(**given)
    if not hasattr(builder.config, "keep_default_na"):
        return builder
    features = builder.info.features or Features(dict.fromkeys(_header(builder), Value("string")))
    return load_dataset_builder(**given, features=features, keep_default_na=False, na_filter=False)


def _header(builder: Any) -> list[str]:
    """Return the column names of the first CSV file of a builder."""
    import pandas as pd

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
    if "scripts are no longer supported" in said:
        export = f"; try its Parquet copy with revision={EXPORT}" if _is_remote(source) else ""
        return f"it needs code of its own to be read, which benchbench does not run{export}"
    if "BuilderConfig" in said or "Config name is missing" in str(error):
        return f"{' '.join(str(error).split())[:300]}; set its config"
    return f"{said}; check that its tables are whole, as CSV, JSON lines or Parquet"


def _is_remote(source: Source) -> bool:
    return isinstance(source, DatasetRepository)

"""Where the files of a dataset are: in a local folder, in local files, or on the hub."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchbench import LoaderError, Skip
from benchbench_hub.options import AUTO, CUT, HubOptions

BUILDERS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".parquet": "parquet",
}
"""The builder of `datasets` that reads a file, by the file's suffix."""
CARD_FILE = "README.md"
"""Its YAML header names configurations, splits and labels."""
PATTERNS = (CARD_FILE, *(f"*{suffix}" for suffix in BUILDERS), "*.csv.gz", "*.jsonl.gz")
"""What is downloaded of a repository: its tables, and no code."""
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
TIMEOUT = 10.0
"""Seconds to wait for the hub's answer about one file."""


@dataclass(frozen=True, slots=True)
class LocalFiles:
    """Local files, by the name of the split that each holds."""

    files: Mapping[str, Path]

    @property
    def origin(self) -> str:
        """What messages call the source."""
        return ", ".join(map(str, self.files.values()))

    def digest(self) -> str:
        """Return the sha256 of every split's name and bytes."""
        return _sha256_of([(split, _sha256(path)) for split, path in self.files.items()])


@dataclass(frozen=True, slots=True)
class LocalFolder:
    """A local folder with one file or more per split."""

    path: Path

    @property
    def origin(self) -> str:
        """What messages call the source."""
        return str(self.path)

    def digest(self) -> str:
        """Return the sha256 of the names and bytes of the tables and of the README.

        Raises LoaderError where there is no table.
        """
        files = [path for path in sorted(self.path.rglob("*")) if _is_table(path)]
        if not files:
            raise LoaderError(
                f"{self.path}: no table in this folder; put train and test files in it, as "
                f"{', '.join(BUILDERS)}"
            )
        files += [path for path in [self.path / CARD_FILE] if path.is_file()]
        return _sha256_of([(str(path.relative_to(self.path)), _sha256(path)) for path in files])


@dataclass(frozen=True, slots=True)
class DatasetRepository:
    """A dataset on the Hugging Face hub or in the local hub cache."""

    hub_id: str
    revision: str
    remedy: str = ""
    """How to do without the hub; it ends a message."""

    @property
    def origin(self) -> str:
        """What messages call the source."""
        return self.hub_id

    def snapshot(self) -> Path:
        """Return the folder of the cached commit, which is downloaded where it is not whole.

        A cached dataset never changes: delete it from the cache to get the current commit of a
        branch. Raises Skip where it is neither cached nor on the hub.
        """
        from huggingface_hub import HfApi
        from huggingface_hub.errors import LocalEntryNotFoundError

        try:
            return self._fetch(cached=True)
        except LocalEntryNotFoundError:
            pass
        try:
            # Asked first because it fails at once without a network; a download tries five times.
            HfApi().dataset_info(self.hub_id, revision=self.revision, timeout=TIMEOUT)
            return self._fetch(cached=False)
        except Exception as error:  # the hub's client passes on whatever its HTTP library raises
            raise Skip(self._missing(error)) from error

    def digest(self) -> str:
        """Return the sha256 of the hub id and its commit. Raises like `snapshot`."""
        return _sha256_of([self.hub_id, self.snapshot().name])

    def _fetch(self, *, cached: bool) -> Path:
        from huggingface_hub import snapshot_download
        from huggingface_hub.utils.tqdm import disable_progress_bars

        if not sys.stderr.isatty():
            disable_progress_bars()
        return Path(
            snapshot_download(
                self.hub_id,
                repo_type="dataset",
                revision=self.revision,
                allow_patterns=list(PATTERNS),
                local_files_only=cached,
                etag_timeout=TIMEOUT,
            )
        )

    def _missing(self, error: Exception) -> str:
        """Say in one line what is missing, why, and how to get it."""
        from huggingface_hub.errors import (
            GatedRepoError,
            RepositoryNotFoundError,
            RevisionNotFoundError,
        )

        page = f"https://huggingface.co/datasets/{self.hub_id}"
        if isinstance(error, GatedRepoError):
            return (
                f"{self.hub_id} is gated: accept its terms at {page}, and run `hf auth login`"
                f"{self.remedy}"
            )
        if isinstance(error, RepositoryNotFoundError):
            return f"{self.hub_id}: no such dataset on the hub, or it is private; see {page}"
        if isinstance(error, RevisionNotFoundError):
            return f"{self.hub_id}: no revision '{self.revision}'; see {page}/tree/main"
        pin = "" if self.revision == "main" else f" --revision {self.revision}"
        return (
            f"{self.hub_id} is not in the hub cache ({_reason(error)}); run "
            f"`hf download --repo-type dataset {self.hub_id}{pin}` where there is a network"
            f"{self.remedy}"
        )


Source = LocalFiles | LocalFolder | DatasetRepository


def find_source(name: str, hub_id: str, options: HubOptions) -> Source:
    """Return the source of the dataset `name`: its path if it has one, else its hub id.

    Raises LoaderError for a path that is neither, Skip where there is no hub id.
    """
    path = Path(options.path).expanduser()
    if not options.path:
        if not hub_id:
            raise Skip(f"{name} has no confirmed place on the hub; give --set {name}.path=FOLDER")
        return DatasetRepository(hub_id, options.revision, f", or give --set {name}.path=FOLDER")
    if path.is_dir():
        return LocalFolder(path)
    if path.is_file():
        return LocalFiles(_files(name, path, options))
    if name == "hub" and HUB_ID.fullmatch(options.path):
        return DatasetRepository(options.path, options.revision, ", or give a folder as hub.path")
    hint = ", or a hub id ORG/NAME" if name == "hub" else ""
    raise LoaderError(f"{name}.path={options.path}: no such file or folder; give one{hint}")


def _files(name: str, train: Path, options: HubOptions) -> dict[str, Path]:
    """Return the file of each split. Raises LoaderError."""
    files = {"train": train}
    for split, value in (("validation", options.validation), ("test", options.test)):
        if value in (AUTO, CUT):
            continue
        files[split] = Path(value).expanduser()
        if not files[split].is_file():
            raise LoaderError(f"{name}.{split}={value}: no such file; check its path")
    for path in files.values():
        if not _is_table(path):
            raise LoaderError(f"{path}: unknown kind of file; give one of {', '.join(BUILDERS)}")
    return files


def builder_of(path: Path) -> str:
    """Return the name of the builder that reads a file; empty where none does."""
    suffix = Path(path.stem).suffix if path.suffix.lower() == ".gz" else path.suffix
    return BUILDERS.get(suffix.lower(), "")


def _is_table(path: Path) -> bool:
    return bool(builder_of(path)) and path.is_file()


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise LoaderError(f"{path}: cannot be read ({error}); check its permissions") from None


def _sha256_of(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


def _reason(error: Exception) -> str:
    """Return the kind of the error that is behind `error`, in words where it means no network."""
    from huggingface_hub.errors import OfflineModeIsEnabled

    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    if isinstance(error, OfflineModeIsEnabled) or isinstance(cause, OfflineModeIsEnabled):
        return "offline"
    return f"asking the hub failed with {type(cause).__name__}"

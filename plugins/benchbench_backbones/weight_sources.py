"""Where weights come from, and what identifies them: the content of files, or a hub commit."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from benchbench import Skip
from benchbench_backbones.checkpoint import Checkpoint
from benchbench_backbones.checkpoint_files import (
    ADAPTER_CONFIG,
    MERGE_ADAPTER,
    NO_SAFETENSORS,
    checkpoint_files,
)
from benchbench_backbones.gguf_file import GgufFile

TIMEOUT = 10.0
"""Seconds to wait for the hub's answer."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A model in a local folder."""

    path: Path

    def identity(self, revision: str, *, offline: bool) -> str:
        """Return the sha256 over the names and contents of all files that decide predictions."""
        digest = hashlib.sha256()
        for path in checkpoint_files(self.path):
            with path.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
            digest.update(f"{path.name} {content}\n".encode())
        return digest.hexdigest()

    def checkpoint(self, revision: str) -> Checkpoint:
        """Return what to load. Raises like `checkpoint_files`."""
        checkpoint_files(self.path)
        return Checkpoint(str(self.path))


@dataclass(frozen=True, slots=True)
class HubRepository:
    """A model on the Hugging Face hub or in the local hub cache."""

    hub_id: str
    gated: bool = False

    def identity(self, revision: str, *, offline: bool) -> str:
        """Return the commit: the cached one, else the current one on the hub.

        Raises Skip where there is none, or where its files are of a kind that is not loaded.
        """
        snapshot = self._snapshot(revision)
        if snapshot is not None:
            self._check_files({path.name for path in snapshot.iterdir()})
        commit = self.cached_commit(revision)
        if commit:
            return commit
        if offline:
            raise self.missing(revision, "offline")
        return self._current_commit(revision)

    def checkpoint(self, revision: str) -> Checkpoint:
        """Return the hub id with the cached commit, so that a cached model never changes."""
        return Checkpoint(self.hub_id, self.cached_commit(revision) or revision)

    def cached_commit(self, revision: str) -> str | None:
        """Return the commit of `revision` where its configuration and weights are cached."""
        config = self.cached_configuration(revision)
        if config is None:
            return None
        snapshot = config.parent
        return snapshot.name if any(snapshot.glob("*.safetensors")) else None

    def _snapshot(self, revision: str) -> Path | None:
        """Return the folder of `revision` in the local hub cache, or None."""
        from huggingface_hub import constants
        from huggingface_hub.file_download import repo_folder_name

        name = repo_folder_name(repo_id=self.hub_id, repo_type="model")
        folder = Path(constants.HF_HUB_CACHE) / name
        reference = folder / "refs" / revision
        commit = reference.read_text().strip() if reference.is_file() else revision
        snapshot = folder / "snapshots" / commit
        return snapshot if snapshot.is_dir() else None

    def _check_files(self, names: Collection[str]) -> None:
        """Raise Skip where a repository with these files is not loaded, whatever is downloaded."""
        if ADAPTER_CONFIG in names:
            raise Skip(f"{self.hub_id}: {MERGE_ADAPTER}")
        endings = {Path(name).suffix for name in names}
        if ".safetensors" in endings:
            return
        if ".gguf" in endings:
            files = sorted(name for name in names if name.endswith(".gguf"))
            raise Skip(
                f"{self.hub_id} holds GGUF files only; download one with `hf download "
                f"{self.hub_id} {files[0]} --local-dir .` and name that file"
            )
        if ".bin" in endings:
            raise Skip(f"{self.hub_id}: {NO_SAFETENSORS}")

    def cached_configuration(self, revision: str = "main") -> Path | None:
        """Return the `config.json` of `revision` in the local hub cache, or None."""
        from huggingface_hub import try_to_load_from_cache

        config = try_to_load_from_cache(self.hub_id, "config.json", revision=revision)
        return Path(config) if isinstance(config, str) else None

    def missing(self, revision: str, reason: str) -> Skip:
        """Return a Skip that says what is missing, where it was looked for, and how to fetch it."""
        from huggingface_hub.constants import HF_HUB_CACHE

        pin = "" if revision == "main" else f" --revision {revision}"
        licence = f"accept the licence at https://huggingface.co/{self.hub_id} and "
        return Skip(
            f"{self.hub_id} is not in the cache {HF_HUB_CACHE} ({reason}); "
            f"{licence if self.gated else ''}run `hf download {self.hub_id}{pin}`"
        )

    def _current_commit(self, revision: str) -> str:
        """Ask the hub for the commit of `revision`. Raises Skip."""
        from huggingface_hub import HfApi

        try:
            info = HfApi().model_info(self.hub_id, revision=revision, timeout=TIMEOUT)
        except Exception as error:  # the hub's client passes on whatever its HTTP library raises
            reason = f"asking the hub failed with {type(error).__name__}"
            raise self.missing(revision, reason) from error
        if not info.sha:
            raise self.missing(revision, "the hub gave no commit")
        self._check_files({file.rfilename for file in info.siblings or ()})
        return info.sha


Source = Folder | HubRepository | GgufFile
"""Every place that a model comes from."""

"""Where weights come from, and what identifies them: a folder's content or a hub commit."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from benchbench import BenchbenchError, Skip

MODEL_FILES = (
    "config.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
    "tekken.json",
)
NO_SAFETENSORS = (
    "no *.safetensors (other formats can run code when read); write them with "
    "`model.save_pretrained(folder)` and name that folder"
)
TIMEOUT = 10.0
"""Seconds to wait for the hub's answer."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The arguments of `from_pretrained`: a folder or a hub id, and a commit."""

    name: str
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class Folder:
    """A model in a local folder."""

    path: Path

    def identity(self, revision: str, *, offline: bool) -> str:
        """Return the sha256 over the names and contents of all files that decide predictions."""
        digest = hashlib.sha256()
        for path in self.files():
            with path.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
            digest.update(f"{path.name} {content}\n".encode())
        return digest.hexdigest()

    def checkpoint(self, revision: str) -> Checkpoint:
        """Return what to load. Raises like `files`."""
        self.files()
        return Checkpoint(str(self.path))

    def files(self) -> list[Path]:
        """Return the model's files, sorted.

        Raises BenchbenchError where the folder holds no model, Skip where its weights are in
        another format.
        """
        if not (self.path / "config.json").is_file():
            raise BenchbenchError(
                f"{self.path}: no config.json in this folder; give a folder that was written by "
                "`save_pretrained`"
            )
        weights = sorted(self.path.glob("*.safetensors"))
        if not weights:
            raise Skip(f"{self.path}: {NO_SAFETENSORS}")
        others = [self.path / name for name in MODEL_FILES]
        return sorted([path for path in others if path.is_file()] + weights)


@dataclass(frozen=True, slots=True)
class HubRepository:
    """A model on the Hugging Face hub or in the local hub cache."""

    hub_id: str
    gated: bool = False

    def identity(self, revision: str, *, offline: bool) -> str:
        """Return the commit: the cached one, else the current one on the hub."""
        commit = self.cached_commit(revision)
        if commit:
            return commit
        if self._has_other_weights(revision):
            raise Skip(f"{self.hub_id}: {NO_SAFETENSORS}")
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

    def _has_other_weights(self, revision: str) -> bool:
        """Say whether the cached weights are in another format; a download would not help then."""
        config = self.cached_configuration(revision)
        return config is not None and any(config.parent.glob("*.bin"))

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
        return info.sha

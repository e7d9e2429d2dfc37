"""Where a checkpoint is, in the words of `from_pretrained`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What to load: a folder or a hub id with a commit, or a GGUF file."""

    name: str
    revision: str | None = None
    gguf: Path | None = None

    @property
    def weight_bytes(self) -> int | None:
        """The bytes of its weights; None where they are in the hub's cache, or not here."""
        if self.gguf is not None:
            return self.gguf.stat().st_size
        files = list(Path(self.name).glob("*.safetensors"))
        return sum(file.stat().st_size for file in files) if files else None

    @contextmanager
    def arguments(self) -> Iterator[dict[str, Any]]:
        """Yield the arguments of `from_pretrained` that say where the checkpoint is.

        A GGUF file is shown to transformers alone in a folder: other files beside it would be
        read, too, and they are no part of its identity.
        """
        if self.gguf is None:
            yield {"pretrained_model_name_or_path": self.name, "revision": self.revision}
            return
        with TemporaryDirectory() as folder:
            link = Path(folder) / self.gguf.name
            link.symlink_to(self.gguf.resolve())
            yield {"pretrained_model_name_or_path": folder, "gguf_file": link.name}

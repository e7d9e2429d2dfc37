"""A model in one GGUF file: weights, configuration and tokenizer, as llama.cpp reads them."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

from benchbench import Skip
from benchbench_backbones.checkpoint import Checkpoint
from benchbench_backbones.checkpoint_files import check_pointers
from benchbench_backbones.gguf_header import GgufHeader, read_header

PART = re.compile(r"-\d{5}-of-\d{5}$")
"""The end of the name of one part of a model that was split."""
FLOATS = ("F64", "F32", "F16", "BF16")


@dataclass(frozen=True, slots=True)
class GgufFile:
    """A model in a local GGUF file."""

    path: Path

    def identity(self, revision: str, *, offline: bool) -> str:
        """Return the sha256 of the file. Raises like `check`."""
        self.check()
        with self.path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def checkpoint(self, revision: str) -> Checkpoint:
        """Return what to load. Raises like `check`."""
        self.check()
        return Checkpoint(str(self.path), gguf=self.path)

    def header(self) -> GgufHeader:
        """Return the metadata and the table of tensors. Raises Skip."""
        check_pointers([self.path])
        return read_header(self.path)

    def check(self) -> None:
        """Raise Skip where the file cannot be loaded: damaged, one part of several, no reader."""
        if PART.search(self.path.stem):
            raise Skip(
                f"{self.path} is one part of a model; join all parts with `llama-gguf-split "
                "--merge`"
            )
        header = self.header()
        if importlib.util.find_spec("gguf") is None:
            raise Skip(f"{self.path}: GGUF needs a package; run `pip install 'benchbench[gguf]'`")
        size, expected = self.path.stat().st_size, _end(header)
        if size < expected:
            raise Skip(
                f"{self.path}: {size:,} bytes, but its header says {expected:,}; download it again"
            )


def stored_as(path: Path) -> str | None:
    """Return how most of the weights are stored, e.g. "GGUF Q4_1"; None where they are floats."""
    from gguf import GGMLQuantizationType

    counts = read_header(path).values_by_type()
    name = GGMLQuantizationType(max(counts, key=lambda kind: counts[kind])).name
    return None if name in FLOATS else f"GGUF {name}"


def _end(header: GgufHeader) -> int:
    """Return where the last tensor ends, in bytes from the beginning of the file."""
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    ends = []
    for tensor in header.tensors:
        block, size = GGML_QUANT_SIZES[GGMLQuantizationType(tensor.type)]
        ends.append(header.first_tensor + tensor.offset + tensor.values // block * size)
    return max(ends, default=header.first_tensor)

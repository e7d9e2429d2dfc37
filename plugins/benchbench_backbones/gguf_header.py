"""The header of a GGUF file: its metadata and its table of tensors, read without the weights.

    GGUF  version  tensors  keys  |  key, type, value ...  |  name, shape, type, offset ...  | data

The `gguf` package makes a Python object of every token of the vocabulary, which takes seconds.
`plan` needs a dozen numbers, so long arrays are skipped here.
Format: github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import math
import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchbench import Skip

MAGIC = b"GGUF"
NUMBERS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
"""Type of a value -> its format for `struct`. The two other types are below."""
STRING, ARRAY = 8, 9
ALIGNMENT = 32
"""Tensors begin at a multiple of so many bytes, where the metadata says nothing else."""


class ArrayLength(int):
    """Stands for an array in the metadata: its length."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor in the table.

    `values` is how many it has, `type` ggml's number for how they are stored, and `offset` where
    they begin, in bytes from the first tensor.
    """

    name: str
    values: int
    type: int
    offset: int


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """Metadata by key (an array as its `ArrayLength`), all tensors, and where they begin."""

    metadata: Mapping[str, Any]
    tensors: tuple[Tensor, ...]
    first_tensor: int

    @property
    def architecture(self) -> str:
        """The model type in the words of llama.cpp, e.g. "llama" or "qwen2"."""
        return str(self.metadata.get("general.architecture", "unknown"))

    def configuration(self) -> dict[str, Any]:
        """Return the sizes that are known, under the names of a Hugging Face configuration."""
        prefix = self.architecture
        names = {
            "num_hidden_layers": f"{prefix}.block_count",
            "hidden_size": f"{prefix}.embedding_length",
            "intermediate_size": f"{prefix}.feed_forward_length",
            "num_attention_heads": f"{prefix}.attention.head_count",
            "num_key_value_heads": f"{prefix}.attention.head_count_kv",
            "head_dim": f"{prefix}.attention.key_length",
            "vocab_size": "tokenizer.ggml.tokens",
        }
        values = {name: self.metadata.get(key) for name, key in names.items()}
        known = {
            name: int(value)
            for name, value in values.items()
            if isinstance(value, int) and (name == "vocab_size" or type(value) is int)
        }  # an array of sizes means that layers differ
        tied = all(tensor.name != "output.weight" for tensor in self.tensors)
        return {**known, "model_type": prefix, "tie_word_embeddings": tied}

    def values_by_type(self) -> dict[int, int]:
        """Return ggml's number of every type that is used -> how many values are stored so."""
        counts: dict[int, int] = {}
        for tensor in self.tensors:
            counts[tensor.type] = counts.get(tensor.type, 0) + tensor.values
        return counts


def read_header(path: Path) -> GgufHeader:
    """Return the header of a file; raise Skip where it is no GGUF file, or is cut off in it."""
    with path.open("rb") as stream:
        if stream.read(4) != MAGIC:
            raise Skip(f"{path}: no GGUF file (it does not begin with GGUF); download it again")
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            try:
                return _Reader(content).header()
            except (struct.error, KeyError, UnicodeDecodeError) as error:
                raise Skip(
                    f"{path}: damaged or cut off in the header; download it again"
                ) from error


class _Reader:
    """A place in the content, which moves on with every value that is read."""

    def __init__(self, content: mmap.mmap) -> None:
        self.content, self.place = content, len(MAGIC)

    def header(self) -> GgufHeader:
        _version, tensors, keys = self.number("I"), self.number("Q"), self.number("Q")
        metadata = {}
        for _ in range(keys):
            key = self.text()
            metadata[key] = self.value(self.number("I"))
        table = tuple(self.tensor() for _ in range(tensors))
        alignment = int(metadata.get("general.alignment", ALIGNMENT))
        return GgufHeader(metadata, table, -(-self.place // alignment) * alignment)

    def number(self, format: str) -> Any:
        (number,) = struct.unpack_from(f"<{format}", self.content, self.place)
        self.place += struct.calcsize(f"<{format}")
        return number

    def text(self) -> str:
        length = self.number("Q")
        self.place += length
        return self.content[self.place - length : self.place].decode("utf-8", "replace")

    def value(self, kind: int) -> Any:
        """Return a value, of an array only the length."""
        if kind == STRING:
            return self.text()
        return self.array() if kind == ARRAY else self.number(NUMBERS[kind])

    def array(self) -> ArrayLength:
        """Move past an array and return its length."""
        kind, length = self.number("I"), self.number("Q")
        if kind in NUMBERS:
            self.place += length * struct.calcsize(f"<{NUMBERS[kind]}")
        elif kind == STRING:
            for _ in range(length):
                bytes_ahead = self.number("Q")
                self.place += bytes_ahead
        else:
            for _ in range(length):
                self.array()
        return ArrayLength(length)

    def tensor(self) -> Tensor:
        name, dimensions = self.text(), self.number("I")
        values = math.prod(self.number("Q") for _ in range(dimensions))
        kind, offset = self.number("I"), self.number("Q")
        return Tensor(name, values, kind, offset)

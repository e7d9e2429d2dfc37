"""The files of a checkpoint, checked before anything is loaded: each fault is one line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from benchbench import BenchbenchError, Skip

TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer.model",
    "vocab.json",
    "vocab.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tekken.json",
)
"""A tokenizer can be built from any of these."""
INDEX = "model.safetensors.index.json"
MODEL_FILES = (
    "config.json",
    INDEX,
    *TOKENIZER_FILES,
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "merges.txt",
    "chat_template.jinja",
)
"""The files beside the weights that decide predictions."""
ADAPTER_CONFIG = "adapter_config.json"
NO_SAFETENSORS = (
    "no *.safetensors (other formats can run code when read); write them with "
    "`model.save_pretrained(folder)` and name that folder"
)
MERGE_ADAPTER = (
    "holds a PEFT adapter (adapter_config.json); merge it with `PeftModel.from_pretrained(BASE, "
    "ADAPTER).merge_and_unload().save_pretrained(FOLDER)`, add the tokenizer, and name FOLDER"
)
LFS_POINTER = b"version https://git-lfs"
LONGEST_HEADER = 100 * 2**20
"""Bytes: the limit of the safetensors format."""


def checkpoint_files(folder: Path) -> list[Path]:
    """Return the files of a model that decide predictions, sorted.

    Raises BenchbenchError where the folder holds no model, Skip where a file is missing, damaged
    or of a kind that is not loaded.
    """
    if (folder / ADAPTER_CONFIG).is_file():
        raise Skip(f"{folder}: {MERGE_ADAPTER}")
    if not (folder / "config.json").is_file():
        raise BenchbenchError(
            f"{folder}: no config.json in this folder; give a folder that was written by "
            "`save_pretrained`, or a .gguf file"
        )
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise Skip(f"{folder}: {NO_SAFETENSORS}")
    others = [path for path in (folder / name for name in MODEL_FILES) if path.is_file()]
    check_pointers([*others, *weights])
    _check_tokenizer(folder)
    for path in _loaded_weights(folder):
        _check_safetensors(path)
    return sorted([*others, *weights])


def check_pointers(paths: Iterable[Path]) -> None:
    """Raise Skip where a file is a Git LFS pointer: the few lines that stand for its content."""
    for path in paths:
        with path.open("rb") as stream:
            if stream.read(len(LFS_POINTER)) == LFS_POINTER:
                raise Skip(
                    f"{path} is a Git LFS pointer, not the file itself; run `git lfs pull` in "
                    f"{path.parent}"
                )


def _check_tokenizer(folder: Path) -> None:
    """Raise Skip where there is nothing to build a tokenizer from."""
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise Skip(
            f"{folder}: no tokenizer files ({', '.join(TOKENIZER_FILES[:3])}, ...); write them "
            "with `tokenizer.save_pretrained(folder)`"
        )


def _loaded_weights(folder: Path) -> list[Path]:
    """Return the weights that are loaded: one file, or all that an index names."""
    whole, index = folder / "model.safetensors", folder / INDEX
    if whole.is_file():
        return [whole]
    if not index.is_file():
        raise Skip(
            f"{folder}: neither model.safetensors nor {INDEX}, which says where every weight is; "
            "download the checkpoint again"
        )
    try:
        names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        shards = sorted(folder / name for name in names)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Skip(f"{index} is damaged ({error!r}); download it again") from error
    missing = [path.name for path in shards if not path.is_file()]
    if missing:
        raise Skip(
            f"{folder}: {len(missing)} of {len(shards)} weight files that {INDEX} names are "
            f"missing, e.g. {missing[0]}; download them"
        )
    return shards


def _check_safetensors(path: Path) -> None:
    """Raise Skip unless a file is as long as its own header says.

    The header is 8 bytes with its length, and JSON with the place of every tensor.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if size < 8 or length > min(size - 8, LONGEST_HEADER):
            raise Skip(f"{path}: damaged or cut off (no safetensors header); download it again")
        header = stream.read(length)
    try:
        tensors = json.loads(header)
        tensors.pop("__metadata__", None)
        ends = [int(tensor["data_offsets"][1]) for tensor in tensors.values()]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise Skip(f"{path}: damaged (the header cannot be read); download it again") from error
    expected = 8 + length + max(ends, default=0)
    if size != expected:
        raise Skip(f"{path}: {size:,} bytes, but its header says {expected:,}; download it again")

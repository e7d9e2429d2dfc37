"""What makes two results the same thing: a cell's id before a run, its key after it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

from benchbench.plugins import Plugin
from benchbench.types import Cell, Json

PACKAGES = (
    "torch", "transformers", "tokenizers", "peft", "bitsandbytes", "scikit-learn", "scipy",
    "numpy", "datasets", "pyarrow", "safetensors",
)  # fmt: skip
"""The packages that decide numbers: another version is another result."""

EXECUTION = ("worker.py", "types.py", "protocols.py", "parameters.py", "kit")
"""The core's modules that decide numbers. Metrics do not: they are recomputed from predictions."""


def canonical(data: Any) -> bytes:
    """Return the one spelling of plain data: sorted keys, no NaN, a newline at the end."""
    text = json.dumps(
        data, sort_keys=True, allow_nan=False, ensure_ascii=False, separators=(",", ":")
    )
    # a path or a message may hold bytes that are no text: they must not cost the record
    return text.encode("utf-8", "surrogatepass") + b"\n"


def digest(data: Any) -> str:
    """Return the sha256 of the canonical spelling of plain data."""
    return hashlib.sha256(canonical(data)).hexdigest()


def cell_id(cell: Cell) -> str:
    """Return the id of what was asked for, known before anything is loaded."""
    return digest(cell.to_json())


def key(identity: Json) -> str:
    """Return the key of a record: the sha256 of its identity block."""
    return digest(identity)


def identity_block(
    *,
    cell: Cell,
    parameters: Mapping[str, Json],
    device: str,
    dtype: str,
    fingerprint: str,
    weights: str | None,
    plugins: Iterable[Plugin],
    upstream: Iterable[str],
) -> Json:
    """Return all that decides a cell's numbers. Commit, host and thread count are provenance."""
    return {
        "cell": cell_id(cell),
        "seed": cell.seed,
        "parameters": {noun: dict(values) for noun, values in parameters.items()},
        "device": device,
        "dtype": dtype,
        "dataset": fingerprint,
        "weights": weights,
        "plugins": {
            plugin.distribution + ":" + plugin.name: source_digest(plugin.module)
            for plugin in plugins
        },
        "core": core_digest(),
        "packages": package_versions(),
        "upstream": sorted(upstream),
    }


def source_digest(module: ModuleType) -> str:
    """Return the sha256 over the source files of a module, or of the whole package it is in."""
    if module.__file__ is None:
        return digest(None)
    file = Path(module.__file__)
    if not (file.parent / "__init__.py").exists():
        return _files_digest(file.parent, [file])
    return _files_digest(file.parent, file.parent.rglob("*.py"))


def core_digest() -> str:
    """Return the sha256 over the core's own modules that decide numbers."""
    return source_files_digest(EXECUTION)


@cache
def source_files_digest(names: tuple[str, ...]) -> str:
    """Return the sha256 over some of the core's own modules and packages."""
    root = Path(__file__).parent
    files = [
        file
        for name in names
        for file in ([root / name] if name.endswith(".py") else (root / name).rglob("*.py"))
    ]
    return _files_digest(root, files)


@cache
def package_versions() -> Mapping[str, str]:
    """Return the versions of the packages that decide numbers, those that are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def folder_digest(folder: Path) -> str:
    """Return the sha256 over the names and contents of a folder's files."""
    return digest(
        {
            path.relative_to(folder).as_posix(): file_digest(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
    )


def file_digest(path: Path) -> str:
    """Return the sha256 of a file's bytes, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files_digest(root: Path, files: Iterable[Path]) -> str:
    return digest(
        {
            file.relative_to(root).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in files
        }
    )

"""The installed packages that decide numbers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version

PACKAGES = (
    "torch", "transformers", "tokenizers", "peft", "bitsandbytes", "scikit-learn", "scipy",
    "numpy", "datasets", "pyarrow", "safetensors",
)  # fmt: skip
"""Another version of one of these is another result."""


@cache
def package_versions() -> Mapping[str, str]:
    """Return the versions of the packages that decide numbers, those that are installed."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions

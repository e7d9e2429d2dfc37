"""The folder of caches: where it is, and that it is this user's alone."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from benchbench.contract import StoreError
from benchbench.machine import is_private, open_private

CACHE = "BENCHBENCH_CACHE"
CORPORA = "corpora"


def cache_folder() -> Path:
    """Return the folder of caches: BENCHBENCH_CACHE, else in the user's cache folder.

    For a user without a home it lies in the system's folder of temporary files. A relative one is
    made absolute once, since a plugin may change the folder of the process.
    """
    if os.environ.get(CACHE):
        os.environ[CACHE] = str(Path(os.environ[CACHE]).absolute())
        return Path(os.environ[CACHE])
    if os.environ.get("XDG_CACHE_HOME"):
        return (Path(os.environ["XDG_CACHE_HOME"]) / "benchbench").absolute()
    try:
        return Path.home() / ".cache" / "benchbench"
    except RuntimeError:
        return Path(tempfile.gettempdir()) / f"benchbench-{os.geteuid()}"


def corpora_folder() -> Path | None:
    """Return the folder of prepared datasets; None where other users may write to the cache."""
    return cache_folder() / CORPORA if is_private(cache_folder()) else None


def open_cache() -> Path:
    """Return the folder of caches, which no other user may write to. Raises StoreError."""
    try:
        return open_private(cache_folder())
    except StoreError as error:
        raise StoreError(f"{error} Name a folder for the cache with {CACHE}=FOLDER.") from error

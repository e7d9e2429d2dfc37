"""What makes two results the same thing: a cell's id before a run, its key after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from benchbench.contract import Cell, Json
from benchbench.machine import digest, execution_digest, package_versions


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
    plugins: Mapping[str, str],
    upstream: Iterable[str],
) -> Json:
    """Return all that decides a cell's numbers. Commit, host and thread count are provenance.

    `plugins` maps "distribution:plugin" to the digest of its source.
    """
    return {
        "cell": cell_id(cell),
        "seed": cell.seed,
        "parameters": {noun: dict(values) for noun, values in parameters.items()},
        "device": device,
        "dtype": dtype,
        "dataset": fingerprint,
        "weights": weights,
        "plugins": dict(plugins),
        "core": execution_digest(),
        "packages": package_versions(),
        "upstream": sorted(upstream),
    }

"""One attempt at one cell, as it is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from benchbench.contract.cell import Cell
from benchbench.contract.parameters import Json

Status = Literal["ok", "skipped", "failed", "diverged", "oom", "timeout", "interrupted"]


@dataclass(frozen=True, slots=True)
class Record:
    """One attempt at one cell.

    `key` is None where what the cell would need could not be resolved. `metrics` maps a split
    to values by name. `cost` and `provenance` differ from run to run; all else of a
    deterministic cell does not.
    """

    cell: Cell
    id: str
    key: str | None
    attempt: int
    status: Status
    reason: str = ""
    identity: Json = field(default_factory=dict)
    metrics: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    curve: Sequence[Json] = ()
    facts: Json = field(default_factory=dict)
    guards: Mapping[str, str] = field(default_factory=dict)
    cost: Mapping[str, float | int | None] = field(default_factory=dict)
    provenance: Json = field(default_factory=dict)
    predictions: str | None = None
    """Sha256 of the predictions file, which is its name too."""
    artifacts: str | None = None
    """Sha256 over the artefact folder's names and hashes, which is its name too."""

"""What identifies a result: the id of what was asked for, and the key of what decides it."""

from __future__ import annotations

from benchbench.contract import Cell, Identity, Json
from benchbench.machine import digest


def cell_id(cell: Cell) -> str:
    """Return the id of a cell, which is known before anything is loaded."""
    return digest(cell.to_json())


def key_of(identity: Identity | Json) -> str:
    """Return the key of a record: the sha256 of its identity block."""
    return digest(identity.to_json() if isinstance(identity, Identity) else identity)

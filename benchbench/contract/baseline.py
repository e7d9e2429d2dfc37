"""A published score."""

from __future__ import annotations

from dataclasses import dataclass

from benchbench.contract.parameters import Params


@dataclass(frozen=True, slots=True)
class Baseline:
    """A published score: shown as reported where the dataset's parameters match, never ranked."""

    name: str
    dataset: str
    params: Params
    metric: str
    value: float
    citation: str
    note: str = ""

"""A published score."""

from __future__ import annotations

from dataclasses import dataclass

from benchbench.contract.parameters import Params


@dataclass(frozen=True, slots=True)
class Baseline:
    """A published score. It is shown as reported and never ranked.

    It is shown only for a dataset whose parameters have the values in `params`.
    """

    name: str
    dataset: str
    params: Params
    metric: str
    value: float
    citation: str
    note: str = ""

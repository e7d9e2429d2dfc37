"""A metric of a plugin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchbench.contract.corpus import Kind
from benchbench.contract.predictions import Predictions

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of a plugin: a pure function of (kind, predictions, decided labels)."""

    name: str
    kinds: tuple[Kind, ...]
    function: Callable[[Kind, Predictions, np.ndarray], float | None]

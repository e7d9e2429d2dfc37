"""A classifier for the world outside: what it writes so that it works without benchbench."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from benchbench.contract.backbone import Address

SCORER = "scorer.py"


@dataclass(frozen=True, slots=True)
class ExportTarget:
    """Where a classifier is exported to, and how.

    `folder` exists and is empty. `address` is where the base model is found, None without one.
    With `merge`, the folder holds whole weights in bfloat16, and needs no base model.
    """

    folder: Path
    address: Address | None = None
    merge: bool = False


@dataclass(frozen=True, slots=True)
class Exported:
    """What was exported: `library` as the hub names it, and the Python packages that are needed.

    `base` is the base model that must be had beside the folder; empty where it needs none. `notes`
    are sentences for the model card.
    """

    library: str
    packages: tuple[str, ...]
    base: str = ""
    notes: tuple[str, ...] = ()


@runtime_checkable
class Exportable(Protocol):
    """Optional for a classifier: it can be exported.

    It writes `scorer.py` into the folder, which imports nothing of benchbench and has a function
    `load_scorer(folder, base)`. That returns an object with `logits(texts)`, an array
    [texts, labels] that is equal to `predict_logits(texts)` up to rounding. `base` is where the
    base model is, None for its published place.
    """

    def export(self, target: ExportTarget) -> Exported:
        """Write all that `scorer.py` needs, and the file itself; raise BenchbenchError."""
        ...

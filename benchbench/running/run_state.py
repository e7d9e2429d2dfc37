"""A run: what it needs, and its state while it goes on."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from benchbench.contract import Executor, Record, Reference
from benchbench.planning import PlanContext, PlannedCell, PreparedCorpus
from benchbench.records import Store
from benchbench.running.energy import EnergyMeter


@dataclass(frozen=True, slots=True)
class Settings:
    """How to run. No setting changes a result; costs may change.

    `executor` says where cells run; None is this machine.
    """

    parallel: int = 1
    threads: int = 1
    timeout: float | None = None
    fail_fast: bool = False
    executor: Executor | None = None
    cache: Path | None = None
    """The folder in which cells share tokens and features; None where they share nothing."""
    checkpoints: bool = True
    """Whether trainings save their states, so that a cell that was ended goes on from there."""


@dataclass(frozen=True, slots=True)
class Suite:
    """All that a run needs."""

    context: PlanContext
    corpora: dict[Reference, PreparedCorpus]
    settings: Settings

    @property
    def store(self) -> Store:
        """Return the store that the suite alone publishes to."""
        return self.context.store


@dataclass(slots=True)
class RunState:
    """The state of a run: its planned cells and their results by id, and how many have started."""

    suite: Suite
    planned: dict[str, PlannedCell]
    results: dict[str, Record | None]
    started: int = 0
    energy: EnergyMeter | None = None
    """What measures the energy of a cell; None where nothing does."""

    @property
    def models(self) -> bool:
        """Whether any cell of the run loads a model."""
        return any(cell.cell.backbone is not None for cell in self.planned.values())

    @property
    def hook(self) -> Any:
        """The hooks of watchers."""
        return self.suite.context.catalog.manager.hook


def warn(message: str) -> None:
    """Print a line about the run on standard error."""
    sys.stderr.write(f"benchbench: {message}\n")


@cache
def warn_once(message: str) -> None:
    """Print a line about the run once, however often it is said."""
    warn(message)

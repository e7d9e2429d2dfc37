"""The whole plugin contract: hooks that supply, hooks that resolve, hooks that watch.

An implementation may leave out arguments that it does not use. Suppliers must stay light: no disk,
no network and no torch at import; use those inside `load` and `fit`. What each thing must have, and
what it may have, stands in the file of its noun: `dataset.py`, `backbone.py`, `method.py`,
`executor.py`, `metric.py`, `baseline.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pluggy import HookimplMarker, HookspecMarker

if TYPE_CHECKING:
    from benchbench.contract.backbone import Backbone, BackboneFolder
    from benchbench.contract.baseline import Baseline
    from benchbench.contract.cell import Cell, Reference
    from benchbench.contract.dataset import Dataset, Generator
    from benchbench.contract.executor import Event, Executor
    from benchbench.contract.method import Method
    from benchbench.contract.metric import Metric
    from benchbench.contract.record import Record

API_VERSION = 2
"""Rises on breaking changes. A plugin may declare `BENCHBENCH_API_VERSION` for a check."""

hookspec = HookspecMarker("benchbench")
hookimpl = HookimplMarker("benchbench")


@hookspec
def benchbench_datasets() -> Iterable[Dataset | Generator]:
    """Supply datasets. Listing must not touch the disk; `load` and `generate` may."""


@hookspec
def benchbench_backbones() -> Iterable[Backbone | BackboneFolder]:
    """Supply models, or folders that hold one.

    Listing must not touch the network; `Backbone.load` may.
    """


@hookspec
def benchbench_methods() -> Iterable[Method]:
    """Supply methods; a runnable baseline is a method that needs no causal LM."""


@hookspec
def benchbench_baselines() -> Iterable[Baseline]:
    """Supply published scores, each with the dataset parameters they were measured with."""


@hookspec
def benchbench_grids() -> Mapping[str, Path]:
    """Supply named grids: name -> TOML file."""


@hookspec
def benchbench_executors() -> Iterable[Executor]:
    """Supply places where cells can run; each calls `benchbench.running.run_job` there."""


@hookspec
def benchbench_metrics() -> Iterable[Metric]:
    """Supply further metrics: pure functions of a scored split."""


@hookspec(firstresult=True)
def benchbench_resolve_dataset(reference: str) -> Reference | None:
    """Return what a path stands for, or None: the core knows no file format."""


@hookspec(firstresult=True)
def benchbench_resolve_backbone(reference: str) -> Backbone | None:
    """Return the backbone that a folder or a hub id stands for, or None."""


@hookspec
def benchbench_cell_started(cell: Cell, position: int, total: int) -> None:
    """Watch: a cell is about to run, number `position` (from 1) of `total`."""


@hookspec
def benchbench_cell_progress(cell: Cell, event: Event) -> None:
    """Watch: a running cell has taken a step."""


@hookspec
def benchbench_cell_finished(record: Record) -> None:
    """Watch: a record has been stored. Raising here is reported and undoes nothing."""

"""The hooks of a plugin: some supply members, some resolve references, some watch a run.

An implementation may leave out arguments that it does not use. Hooks that supply members must be
light: they use neither disk nor network, and do not import torch. `load` and `fit` may do so. The
file of each noun says which members are required and which are optional: `dataset.py`,
`backbone.py`, `method.py`, `executor.py`, `metric.py`, `baseline.py`.
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
"""The version of this contract, which rises with every breaking change. A plugin may set
`BENCHBENCH_API_VERSION` to the version that it was written for; any other is then refused."""

hookspec = HookspecMarker("benchbench")
hookimpl = HookimplMarker("benchbench")


@hookspec
def benchbench_datasets() -> Iterable[Dataset | Generator]:
    """Supply datasets. This hook must not use the disk; `load` and `generate` may."""


@hookspec
def benchbench_backbones() -> Iterable[Backbone | BackboneFolder]:
    """Supply models, or folders with a model.

    This hook must not use the network; `Backbone.load` may.
    """


@hookspec
def benchbench_methods() -> Iterable[Method]:
    """Supply methods. A baseline that can be run is a method that needs no causal LM."""


@hookspec
def benchbench_baselines() -> Iterable[Baseline]:
    """Supply published scores, each with the dataset parameters they were measured with."""


@hookspec
def benchbench_grids() -> Mapping[str, Path]:
    """Supply grids: a TOML file for each name."""


@hookspec
def benchbench_executors() -> Iterable[Executor]:
    """Supply places where cells can run. Each runs a job with `benchbench.running.run_job`."""


@hookspec
def benchbench_metrics() -> Iterable[Metric]:
    """Supply further metrics, which are pure functions of a scored split."""


@hookspec(firstresult=True)
def benchbench_resolve_dataset(reference: str) -> Reference | None:
    """Return the dataset that a path stands for, or None. The core knows no file format."""


@hookspec(firstresult=True)
def benchbench_resolve_backbone(reference: str) -> Backbone | None:
    """Return the backbone that a folder or a hub id stands for, or None."""


@hookspec
def benchbench_cell_started(cell: Cell, position: int, total: int) -> None:
    """Watch a cell that is about to run: number `position` (from 1) of `total`."""


@hookspec
def benchbench_cell_progress(cell: Cell, event: Event) -> None:
    """Watch a step of a running cell."""


@hookspec
def benchbench_cell_finished(record: Record) -> None:
    """Watch a record that was stored. An exception in a watcher is reported and undoes nothing."""

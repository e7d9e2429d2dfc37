"""Generated patents and miniature backbones: scores on them say nothing about real models."""

from __future__ import annotations

from collections.abc import Iterable

from benchbench import BackboneFolder, Generator, hookimpl
from benchbench_demo.datasets import DemoClaims, DemoPatents
from benchbench_demo.miniatures import BACKBONES


@hookimpl
def benchbench_datasets() -> Iterable[Generator]:
    """Supply `demo-claims` and `demo-patents`."""
    return [DemoClaims(), DemoPatents()]


@hookimpl
def benchbench_backbones() -> Iterable[BackboneFolder]:
    """Supply the miniatures in this package's folder `models`."""
    return BACKBONES

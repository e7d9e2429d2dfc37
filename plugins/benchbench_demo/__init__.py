"""Generated patents and miniature backbones: the whole suite without network, GPU or data.

They are miniatures. A score on them says how the harness works, and nothing of how models of
billions of parameters do on real documents.
"""

from __future__ import annotations

from collections.abc import Iterable

from benchbench import BackboneFolder, Generator, hookimpl
from benchbench_demo.cards import BACKBONES
from benchbench_demo.datasets import DemoClaims, DemoPatents


@hookimpl
def benchbench_datasets() -> Iterable[Generator]:
    """Supply `demo-claims` and `demo-patents`."""
    return [DemoClaims(), DemoPatents()]


@hookimpl
def benchbench_backbones() -> Iterable[BackboneFolder]:
    """Supply the miniatures that lie in this package."""
    return BACKBONES

"""Cells on the machines of a Ray cluster: `--executor ray`."""

from __future__ import annotations

from collections.abc import Iterable

from benchbench import Executor, hookimpl
from benchbench_ray.ray_executor import RayExecutor


@hookimpl
def benchbench_executors() -> Iterable[Executor]:
    """Supply the executor; Ray itself is imported when cells run."""
    return [RayExecutor()]

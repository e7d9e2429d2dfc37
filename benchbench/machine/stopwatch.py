"""A stopwatch that adds up the seconds of each stage of a cell."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

Result = TypeVar("Result")


@dataclass
class Stopwatch:
    """Seconds by stage, on the monotonic clock. A stage includes the stages inside it.

    `credited` are the seconds of cached work: a cell is charged for a cached result as if it had
    computed it. They count in the outermost stage that runs when a cache returns a result; the
    stages inside it hold the time that really passed. `hits` counts such results. `cache_fault`
    says why a result could not be kept; it is empty where all were. `resumed` are the seconds that
    earlier attempts have trained; they count as if this one had trained them. `show` is told of
    steps of a long stage: its name, the step, and how many there are.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    credited: float = 0.0
    hits: int = 0
    cache_fault: str = ""
    resumed: float = 0.0
    show: Callable[[str, int, int], None] = lambda stage, step, total: None
    _running: list[str] = field(default_factory=list)

    def run(self, stage: str, function: Callable[[], Result]) -> Result:
        """Call `function` and add the seconds it took to `stage`."""
        with self.stage(stage):
            return function()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the seconds that the block takes to a stage."""
        start = time.monotonic()
        self._running.append(name)
        try:
            yield
        finally:
            self._running.pop()
            self._add(name, time.monotonic() - start)

    def credit(self, seconds: float) -> None:
        """Count a cached result and the seconds that it once took, in the outermost stage."""
        self.hits += 1
        self.credited += seconds
        if self._running:
            self._add(self._running[0], seconds)

    def resume(self, seconds: float) -> None:
        """Count what an earlier attempt has trained, in the outermost stage."""
        self.resumed += seconds
        if self._running:
            self._add(self._running[0], seconds)

    def _add(self, stage: str, seconds: float) -> None:
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds


CURRENT: ContextVar[Stopwatch | None] = ContextVar("stopwatch", default=None)
"""The stopwatch of the running cell."""


@contextmanager
def watching(watch: Stopwatch) -> Iterator[None]:
    """Make `watch` the stopwatch that `stage` and the caches of the kit use in the block."""
    token = CURRENT.set(watch)
    try:
        yield
    finally:
        CURRENT.reset(token)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Add the block's seconds to a stage of the running cell; without one, do nothing."""
    watch = CURRENT.get()
    if watch is None:
        yield
    else:
        with watch.stage(name):
            yield


def show_step(stage: str, step: int, total: int) -> None:
    """Show the user a step of a long stage of the running cell; without one, do nothing."""
    if (watch := CURRENT.get()) is not None:
        watch.show(stage, step, total)

"""Seconds by stage, and a backbone whose loading is watched."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TypeVar

from benchbench.contract import Backbone, GuardError, LoadedModel, Params

Result = TypeVar("Result")


@dataclass
class Stopwatch:
    """Seconds by stage, on the monotonic clock; a stage includes those inside it.

    `credited` are the seconds of work that others had done: they count in the outermost stage
    that was running when a cache handed out their result, so that a cell costs what it would
    have alone. Stages inside it tell what really passed.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    credited: float = 0.0
    hits: int = 0
    _running: list[str] = field(default_factory=list)

    def run(self, stage: str, function: Callable[[], Result]) -> Result:
        """Call `function` and add the seconds it took to `stage`."""
        with self.stage(stage):
            return function()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the seconds until the end of the block to a stage."""
        start = time.monotonic()
        self._running.append(name)
        try:
            yield
        finally:
            self._running.pop()
            self._add(name, time.monotonic() - start)

    def credit(self, seconds: float) -> None:
        """Count a hit of a cache, and what its entry once took, in the outermost stage."""
        self.hits += 1
        self.credited += seconds
        if self._running:
            self._add(self._running[0], seconds)

    def _add(self, stage: str, seconds: float) -> None:
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds


CURRENT: ContextVar[Stopwatch | None] = ContextVar("stopwatch", default=None)


@contextmanager
def watching(watch: Stopwatch) -> Iterator[None]:
    """Let `stage` and the caches of the kit find `watch` until the end of the block."""
    token = CURRENT.set(watch)
    try:
        yield
    finally:
        CURRENT.reset(token)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Add the block's seconds to a stage of the cell that runs; outside of cells to none."""
    watch = CURRENT.get()
    if watch is None:
        yield
    else:
        with watch.stage(name):
            yield


class WatchedBackbone:
    """A backbone whose loading time is kept apart, and whose weights must be those planned with.

    `weights` is its identity as it was planned; a hub branch can move between then and now.
    `origin` becomes a fact of the loaded model: the sha256 of all that decides its numbers.
    """

    def __init__(self, backbone: Backbone, weights: str, origin: str, watch: Stopwatch) -> None:
        self._backbone, self._weights, self._watch = backbone, weights, watch
        self._origin = origin
        self.name, self.kind, self.family = backbone.name, backbone.kind, backbone.family
        self.description, self.parameters = backbone.description, backbone.parameters

    def identity(self, params: Params, *, offline: bool) -> str:
        """Return the identity of the weights."""
        return self._backbone.identity(params, offline=offline)

    def load(self, params: Params, *, device: str, dtype: str) -> LoadedModel:
        """Load the model and note how long it took; raise GuardError for another commit."""
        loaded = self._watch.run(
            "load", lambda: self._backbone.load(params, device=device, dtype=dtype)
        )
        commit = loaded.facts.get("commit")
        if commit and commit != self._weights:
            raise GuardError(
                f"{self.name} moved while this ran: commit {commit} was loaded, "
                f"{self._weights} was planned; run again."
            )
        return replace(loaded, facts={**loaded.facts, "origin": self._origin})

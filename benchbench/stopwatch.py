"""Seconds by stage, and a backbone whose loading is watched."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from benchbench.errors import GuardError
from benchbench.parameters import Params
from benchbench.protocols import Backbone
from benchbench.types import LoadedModel

Result = TypeVar("Result")


@dataclass
class Stopwatch:
    """Seconds by stage, on the monotonic clock."""

    seconds: dict[str, float] = field(default_factory=dict)

    def run(self, stage: str, function: Callable[[], Result]) -> Result:
        """Call `function` and add the seconds it took to `stage`."""
        start = time.monotonic()
        try:
            return function()
        finally:
            spent = time.monotonic() - start
            self.seconds[stage] = self.seconds.get(stage, 0.0) + spent


class WatchedBackbone:
    """A backbone whose loading time is kept apart, and whose weights must be those planned with.

    `weights` is its identity as it was planned; a hub branch can move between then and now.
    """

    def __init__(self, backbone: Backbone, weights: str, watch: Stopwatch) -> None:
        self._backbone, self._weights, self._watch = backbone, weights, watch
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
        return loaded

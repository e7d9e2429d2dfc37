"""A backbone whose loading is timed and checked."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import replace

from benchbench.contract import Backbone, GuardError, Json, LoadedModel, Params
from benchbench.machine.source_code import module_digest
from benchbench.machine.stopwatch import Stopwatch

LOADING: ContextVar[Callable[[], Json] | None] = ContextVar("loading", default=None)
"""Returns what decides the model that a cell is loading: its weights, and its plugin's code."""


class WatchedBackbone:
    """A backbone whose loading is timed, and whose weights are compared with the planned ones.

    `weights` is the identity that the cell was planned with: a hub branch may move in between.
    `origin` becomes a fact of the loaded model: the sha256 of all that decides its numbers.
    `facts` are the plain ones of the model that was loaded last, for the record.
    """

    def __init__(self, backbone: Backbone, weights: str, origin: str, watch: Stopwatch) -> None:
        self._backbone, self._weights, self._watch = backbone, weights, watch
        self._origin = origin
        self.facts: Json = {}
        self.name, self.kind, self.family = backbone.name, backbone.kind, backbone.family
        self.description, self.parameters = backbone.description, backbone.parameters

    def identity(self, params: Params, *, offline: bool) -> str:
        """Return the identity of the weights."""
        return self._backbone.identity(params, offline=offline)

    def load(self, params: Params, *, device: str, dtype: str) -> LoadedModel:
        """Load the model and add the time to "load"; raise GuardError if the commit has changed."""
        token = LOADING.set(self._decisive)
        try:
            with self._watch.stage("load"):
                loaded = self._backbone.load(params, device=device, dtype=dtype)
        finally:
            LOADING.reset(token)
        commit = loaded.facts.get("commit")
        if commit and commit != self._weights:
            raise GuardError(
                f"{self.name} has changed on the hub: commit {self._weights} was planned, commit "
                f"{commit} was loaded; run again."
            )
        self.facts = {
            name: fact
            for name, fact in loaded.facts.items()
            if isinstance(fact, str | int | float | None)
        }
        return replace(loaded, facts={**loaded.facts, "origin": self._origin})

    def _decisive(self) -> Json:
        plugin = sys.modules[type(self._backbone).__module__]
        return {"weights": self._weights, "plugin": module_digest(plugin)}

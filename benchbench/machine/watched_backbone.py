"""A backbone whose loading is timed and checked."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, replace

from benchbench.contract import Backbone, GuardError, Json, LoadedModel, Params
from benchbench.machine.source_code import module_digest
from benchbench.machine.stopwatch import Stopwatch


@dataclass(frozen=True, slots=True)
class Load:
    """A load of a cell. `key` is what decides the model: its weights, and its plugin's code.

    `unchanged()` says whether the weights that are here now are those of the key.
    """

    key: Json
    unchanged: Callable[[], bool]


LOADING: ContextVar[Load | None] = ContextVar("loading", default=None)
"""The load that a cell does now; None outside of one."""


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
        plugin = module_digest(sys.modules[type(self._backbone).__module__])
        key = {"weights": self._weights, "plugin": plugin}
        token = LOADING.set(Load(key, lambda: self.identity(params, offline=True) == self._weights))
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

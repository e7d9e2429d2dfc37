"""A language model: what a plugin supplies, and what a method is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from benchbench.contract.parameters import Parameter, Params

Quantization = Literal["nf4", "int8", "none"]


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model in memory, its tokenizer, and facts about it (parameters, 4-bit modules, ...)."""

    model: Any
    tokenizer: Any
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BackboneFolder:
    """A backbone that a plugin brings as a folder: `config.json`, tokenizer and safetensors.

    It is loaded by the plugin that loads folders; `kind` is "causal-lm" or "encoder". A licence
    that is told stands in the notes of every leaderboard it is on.
    """

    name: str
    kind: str
    family: str
    description: str
    folder: Path
    licence: str = ""


@runtime_checkable
class Backbone(Protocol):
    """A named model, not yet in memory. `kind` is "causal-lm" or "encoder"."""

    @property
    def name(self) -> str:
        """The name it is asked for by."""
        ...

    @property
    def kind(self) -> str:
        """What it is: "causal-lm" or "encoder"."""
        ...

    @property
    def family(self) -> str:
        """The architecture's family, as in "llama"."""
        ...

    @property
    def description(self) -> str:
        """One line for `benchbench ls`."""
        ...

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters it takes."""
        ...

    def identity(self, params: Params, *, offline: bool) -> str:
        """Return the content hash or hub commit of the weights; raise Skip where absent."""
        ...

    def load(self, params: Params, *, device: str, dtype: str) -> LoadedModel:
        """Bring the model into memory; raise Skip where it cannot be had or held."""
        ...


@dataclass(frozen=True, slots=True)
class BoundBackbone:
    """A backbone with its parameters settled: all that a method still has to do is `load()`."""

    backbone: Backbone
    params: Params
    device: str
    dtype: str

    def load(self) -> LoadedModel:
        """Bring the model into memory; raise Skip where it cannot be had or held."""
        return self.backbone.load(self.params, device=self.device, dtype=self.dtype)

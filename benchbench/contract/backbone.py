"""A language model: what a plugin supplies, and what a method is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from benchbench.contract.parameters import Parameter, Params
from benchbench.contract.workload import Shape


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model in memory, its tokenizer, and facts about it (parameters, 4-bit modules, ...)."""

    model: Any
    tokenizer: Any
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BackboneFolder:
    """A backbone that a plugin brings as a folder: `config.json`, tokenizer and safetensors.

    The plugin that loads folders loads it. `kind` is "causal-lm" or "encoder". The licence, if
    there is one, is in the notes of every leaderboard that the backbone is on.
    """

    name: str
    kind: str
    family: str
    description: str
    folder: Path
    licence: str = ""


@runtime_checkable
class Backbone(Protocol):
    """A named model, not yet in memory. All members below are required.

    Optional members are the protocols `HasShape`, `HasTokenizer`, `HasAddress` and `HasLicence`:
    add their members to the same class.
    """

    @property
    def name(self) -> str:
        """The name that selects it."""
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
        """Return the content hash or hub commit of the weights; raise Skip if they are absent."""
        ...

    def load(self, params: Params, *, device: str, dtype: str) -> LoadedModel:
        """Bring the model into memory; raise Skip if it is absent or does not fit."""
        ...


@runtime_checkable
class HasShape(Protocol):
    """Optional for a backbone: `benchbench plan` can estimate its memory and time."""

    def shape(self) -> Shape | None:
        """Return the sizes of the model; None if they are not known on this machine."""
        ...


@runtime_checkable
class HasTokenizer(Protocol):
    """Optional for a backbone: `benchbench data check` counts the tokens of documents."""

    def tokenizer(self, params: Params) -> Any:
        """Return the tokenizer without the model; raise Skip where it cannot be had here."""
        ...


@dataclass(frozen=True, slots=True)
class Address:
    """Where transformers finds a model.

    `hub_id` and `revision` are its place on the Hugging Face hub, empty where it has none. `here`
    is the folder or the hub id that `from_pretrained` takes on this machine, empty where that
    cannot read the weights.
    """

    hub_id: str = ""
    revision: str = ""
    here: str = ""


@runtime_checkable
class HasAddress(Protocol):
    """Optional for a backbone: what was trained on it can be exported without its weights."""

    def address(self, params: Params) -> Address:
        """Return where its weights are found."""
        ...


@runtime_checkable
class HasLicence(Protocol):
    """Optional for a backbone: its terms are in the notes of every leaderboard that it is on."""

    @property
    def licence(self) -> str:
        """The licence of the weights; empty if it could not be confirmed."""
        ...


@dataclass(frozen=True, slots=True)
class BoundBackbone:
    """A backbone whose parameters are settled: a method only has to call `load()`."""

    backbone: Backbone
    params: Params
    device: str
    dtype: str

    def load(self) -> LoadedModel:
        """Bring the model into memory; raise Skip if it is absent or does not fit."""
        return self.backbone.load(self.params, device=self.device, dtype=self.dtype)

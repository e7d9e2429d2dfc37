"""One attempt at one cell, as it is stored, and all that decides its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from benchbench.contract.cell import Cell
from benchbench.contract.parameters import Json, Params

Status = Literal["ok", "skipped", "failed", "diverged", "oom", "timeout", "interrupted"]


@dataclass(frozen=True, slots=True)
class CellParameters:
    """A value for every parameter of a cell's dataset, method and backbone."""

    dataset: Params
    method: Params
    backbone: Params | None = None

    def to_json(self) -> Json:
        """Return the parameters as plain data; a cell without a backbone has no entry for it."""
        parameters = {"dataset": dict(self.dataset), "method": dict(self.method)}
        return parameters if self.backbone is None else {**parameters, "backbone": self.backbone}


@dataclass(frozen=True, slots=True)
class Identity:
    """All that decides a cell's numbers: the key is a digest of it.

    `cell` is the id of what was asked for, `dataset` the fingerprint of the corpus, `weights`
    the content hash or hub commit of the backbone. `plugins` maps "distribution:plugin" to the
    digest of its source; `core` is the digest of the harness's own execution code. `upstream`
    are the keys of the cells that this one requires. Commit, host and thread count are
    provenance, outside the key.
    """

    cell: str
    seed: int
    parameters: CellParameters
    device: str
    dtype: str
    dataset: str
    weights: str | None
    plugins: Mapping[str, str]
    core: str
    packages: Mapping[str, str]
    upstream: tuple[str, ...] = ()

    def to_json(self) -> Json:
        """Return the identity block of a record."""
        return {
            "cell": self.cell,
            "seed": self.seed,
            "parameters": self.parameters.to_json(),
            "device": self.device,
            "dtype": self.dtype,
            "dataset": self.dataset,
            "weights": self.weights,
            "plugins": dict(self.plugins),
            "core": self.core,
            "packages": dict(self.packages),
            "upstream": sorted(self.upstream),
        }


class Identified(Protocol):
    """What a record can be made of: a planned cell, or a job."""

    @property
    def cell(self) -> Cell:
        """What was asked for."""
        ...

    @property
    def id(self) -> str:
        """The digest of what was asked for."""
        ...

    @property
    def key(self) -> str | None:
        """The digest of the identity, None where that is unknown."""
        ...

    @property
    def identity(self) -> Identity | None:
        """All that decides the numbers, None where it is unknown."""
        ...


@dataclass(frozen=True, slots=True)
class Record:
    """One attempt at one cell.

    `key` is None where what the cell would need could not be resolved. `cost` and `provenance`
    differ from run to run; all else of a deterministic cell does not. Metrics are no part of a
    record: they are computed from its predictions.
    """

    cell: Cell
    id: str
    key: str | None
    attempt: int
    status: Status
    reason: str = ""
    identity: Json = field(default_factory=dict)
    curve: Sequence[Json] = ()
    facts: Json = field(default_factory=dict)
    guards: Mapping[str, str] = field(default_factory=dict)
    cost: Mapping[str, float | int | None] = field(default_factory=dict)
    provenance: Json = field(default_factory=dict)
    predictions: str | None = None
    """Sha256 of the predictions file, which is its name too."""
    artifacts: str | None = None
    """Sha256 over the artefact folder's names and hashes, which is its name too."""

    @classmethod
    def unpublished(cls, source: Identified, status: Status, reason: str = "") -> Record:
        """Return the record of a first attempt that is not in a store yet."""
        identity = source.identity.to_json() if source.identity else {}
        return cls(source.cell, source.id, source.key, 1, status, reason, identity)

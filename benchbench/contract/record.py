"""A record: one attempt at one cell, as it is stored, with all that decides its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from benchbench.contract.cell import Cell
from benchbench.contract.parameters import Json, Params
from benchbench.contract.rules import Positive, Sha256

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
    """All that decides a cell's numbers; a record's key is the digest of it.

    `cell` is the cell's id, `dataset` the fingerprint of the corpus, and `weights` the content
    hash or hub commit of the backbone. `plugins` maps "distribution:plugin" to the digest of its
    source; `core` is the digest of the harness's own execution code. `upstream` has the keys of
    the cells that this one requires. Commit, host and thread count are provenance and are not
    part of the key.
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
    """What a record is made from: a planned cell or a job."""

    @property
    def cell(self) -> Cell:
        """What was asked for."""
        ...

    @property
    def id(self) -> str:
        """The id of the cell."""
        ...

    @property
    def key(self) -> str | None:
        """The digest of the identity; None where the identity is unknown."""
        ...

    @property
    def identity(self) -> Identity | None:
        """All that decides the numbers; None where it is unknown."""
        ...


@dataclass(frozen=True, slots=True)
class Record:
    """One attempt at one cell.

    `key` is None where the identity is unknown, e.g. because weights are missing. `cost` and
    `provenance` differ from run to run; all other fields of a deterministic cell are the same.
    A record has no metrics: they are computed from its predictions.
    """

    cell: Cell
    id: Sha256
    key: Sha256 | None
    attempt: Positive
    status: Status
    reason: str = ""
    identity: Json = field(default_factory=dict)
    curve: Sequence[Json] = ()
    facts: Json = field(default_factory=dict)
    guards: Mapping[str, str] = field(default_factory=dict)
    cost: Mapping[str, float | int | None] = field(default_factory=dict)
    provenance: Json = field(default_factory=dict)
    predictions: Sha256 | None = None
    """Sha256 of the predictions file, which is also its name in the store."""
    artifacts: Sha256 | None = None
    """Sha256 of the artefact folder's names and hashes, which is also its name in the store."""

    @property
    def exact_best(self) -> int | None:
        """How many of a document's best scores are exact, by `facts["exact_best"]`.

        None: all of them. Anything but a number of scores is taken as 0, so that nothing is
        published that may not be known.
        """
        best = self.facts.get("exact_best")
        if best is None:
            return None
        return best if isinstance(best, int) and not isinstance(best, bool) and best > 0 else 0

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the classifier warned of in `facts["warnings"]`, one line each."""
        warnings = self.facts.get("warnings")
        if not isinstance(warnings, list):
            return ()
        return tuple(warning for warning in warnings if isinstance(warning, str))

    @staticmethod
    def fields_of(data: Json) -> Json:
        """Return the fields of a stored record; version 0.1.0 stored metrics among them."""
        return {name: value for name, value in data.items() if name != "metrics"}

    @classmethod
    def unpublished(cls, source: Identified, status: Status, reason: str = "") -> Record:
        """Return the record of a first attempt that is not in a store yet."""
        identity = source.identity.to_json() if source.identity else {}
        return cls(source.cell, source.id, source.key, 1, status, reason, identity)

"""The nouns of benchbench.

Frozen values flow one way: grid -> cells -> jobs -> outcomes -> records -> leaderboard. Nothing
in this file loads, trains, writes or prints. What plugins supply stands in `protocols.py`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from benchbench.parameters import Params

if TYPE_CHECKING:
    import datasets
    import numpy as np

    from benchbench.predictions import Predictions
    from benchbench.protocols import Backbone

Kind = Literal["single-label", "multi-label"]
Status = Literal["ok", "skipped", "failed", "diverged", "oom", "timeout", "interrupted"]
Split = Literal["train", "validation", "test"]
Quantization = Literal["nf4", "int8", "none"]
Json = Mapping[str, Any]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class LabelSpace:
    """The closed set of labels, in the one order that every array uses: sorted by name.

    It holds the training labels plus declared ones and is never derived from test.
    `texts[i]` is what an instruction method writes for `names[i]`. `parents` maps a node to its
    parent and may name ancestors that are no labels themselves. `unseen` are labels that only
    occur outside training: gold index `len(names) + j`; they can never be predicted and count
    as missed everywhere.
    """

    names: tuple[str, ...]
    texts: tuple[str, ...] = ()
    parents: Mapping[str, str] = field(default_factory=dict)
    unseen: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Fill `texts`, and refuse an order that depends on rows."""
        if not self.texts:
            object.__setattr__(self, "texts", self.names)
        if list(self.names) != sorted(set(self.names)):
            raise ValueError("label names must be unique and sorted")
        if len(self.texts) != len(self.names) or len(set(self.texts)) != len(self.texts):
            raise ValueError("every label needs a text of its own")

    def __len__(self) -> int:
        """Return the number of labels that can be predicted."""
        return len(self.names)

    @property
    def digest(self) -> str:
        """Sha256 of the ordered names and texts; stored beside whatever depends on the order."""
        return hashlib.sha256(json.dumps([self.names, self.texts]).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What became of every row of the source: `seen == loaded + len(skipped)`, always.

    `skipped` and `repaired` hold one line each, "file:line: reason". `warnings` are facts a
    reader must know. `facts` are counts by name.
    """

    seen: int
    loaded: int
    skipped: tuple[str, ...] = ()
    repaired: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    facts: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a report in which a row was lost."""
        if self.seen != self.loaded + len(self.skipped):
            raise ValueError(
                f"rows were lost: seen {self.seen}, loaded {self.loaded}, "
                f"skipped {len(self.skipped)}"
            )


@dataclass(frozen=True, slots=True)
class Corpus:
    """A loaded dataset.

    Each split is a `datasets.Dataset` with the columns `id: string, text: string,
    labels: list<int32>, main: int32 (-1 if none), group: string, weight: float32`.
    Documents of one non-empty group never straddle splits.
    """

    kind: Kind
    main_metric: str
    labels: LabelSpace
    train: datasets.Dataset
    validation: datasets.Dataset
    test: datasets.Dataset
    report: LoadReport


@dataclass(frozen=True, slots=True)
class Reference:
    """A named thing and the parameters asked for: `{use = "csv", as = "claims", path = "..."}`.

    `use` is a name of the catalog or something a resolver knows (a folder, a hub id); `name` is
    what the leaderboard shows.
    """

    use: str
    name: str
    params: Params = field(default_factory=dict, hash=False)

    def to_json(self) -> Json:
        """Return this reference as plain data."""
        return {"use": self.use, "name": self.name, "params": dict(self.params)}

    @classmethod
    def from_json(cls, data: Json) -> Reference:
        """Return the reference that `to_json` wrote."""
        return cls(data["use"], data["name"], dict(data["params"]))


@dataclass(frozen=True, slots=True)
class Cell:
    """One square of the grid: what was asked for, and nothing else."""

    dataset: Reference
    method: Reference
    backbone: Reference | None
    seed: int

    def to_json(self) -> Json:
        """Return this cell as plain data."""
        return {
            "dataset": self.dataset.to_json(),
            "method": self.method.to_json(),
            "backbone": self.backbone.to_json() if self.backbone else None,
            "seed": self.seed,
        }

    @classmethod
    def from_json(cls, data: Json) -> Cell:
        """Return the cell that `to_json` wrote."""
        backbone = data["backbone"]
        return cls(
            Reference.from_json(data["dataset"]),
            Reference.from_json(data["method"]),
            Reference.from_json(backbone) if backbone else None,
            data["seed"],
        )

    @property
    def title(self) -> str:
        """Name this cell for people: method, backbone, dataset, seed."""
        backbone = f" · {self.backbone.name}" if self.backbone else ""
        return f"{self.method.name}{backbone} · {self.dataset.name} · seed {self.seed}"


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


@dataclass(frozen=True, slots=True)
class Task:
    """What a method is given. The test split is not in it, so it cannot leak.

    `report(step, total, values)` feeds the progress line and the stored learning curve.
    `upstream` maps the ids of cells that this one required to their artefact folders.
    """

    kind: Kind
    labels: LabelSpace
    train: datasets.Dataset
    validation: datasets.Dataset
    backbone: BoundBackbone | None
    seed: int
    params: Params
    upstream: Mapping[str, Path] = field(default_factory=dict)
    report: Callable[[int, int, Mapping[str, float]], None] = lambda step, total, values: None


@dataclass(frozen=True, slots=True)
class Record:
    """One attempt at one cell.

    `key` is None where what the cell would need could not be resolved. `metrics` maps a split
    to values by name. `cost` and `provenance` differ from run to run; all else of a
    deterministic cell does not.
    """

    cell: Cell
    id: str
    key: str | None
    attempt: int
    status: Status
    reason: str = ""
    identity: Json = field(default_factory=dict)
    metrics: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    curve: Sequence[Json] = ()
    facts: Json = field(default_factory=dict)
    guards: Mapping[str, str] = field(default_factory=dict)
    cost: Mapping[str, float | int | None] = field(default_factory=dict)
    provenance: Json = field(default_factory=dict)
    predictions: str | None = None
    """Sha256 of the predictions file, which is its name too."""
    artifacts: str | None = None
    """Sha256 over the artefact folder's names and hashes, which is its name too."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """A published score: shown as reported where the dataset's parameters match, never ranked."""

    name: str
    dataset: str
    params: Params
    metric: str
    value: float
    citation: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of a plugin: a pure function of (kind, predictions, decided labels)."""

    name: str
    kinds: tuple[Kind, ...]
    function: Callable[[Kind, Predictions, np.ndarray], float | None]


@dataclass(frozen=True, slots=True)
class Job:
    """What an executor is handed: plain data, small enough to send anywhere."""

    cell: Cell
    id: str
    key: str | None
    identity: Json
    corpus: Path
    scratch: Path
    device: str
    dtype: str
    threads: int
    timeout: float | None
    upstream: Mapping[str, Path] = field(default_factory=dict)
    cache: Path | None = None
    """Where cells share tokens and features; None: nowhere."""
    memory_mib: int | None = None
    """Main memory that it is expected to take, None where that is unknown."""
    models: bool = True
    """Whether any cell of the run loads a model: then a server of processes imports for that."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job: an unpublished record and the folder with its files."""

    record: Record
    folder: Path


@dataclass(frozen=True, slots=True)
class Event:
    """A step of a running cell: `values` holds e.g. loss and documents/s."""

    stage: str
    step: int
    total: int
    values: Mapping[str, float] = field(default_factory=dict)

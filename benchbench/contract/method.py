"""A way to turn a task into a classifier."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from benchbench.contract.backbone import BoundBackbone
from benchbench.contract.cell import Cell
from benchbench.contract.corpus import Kind, LabelSpace
from benchbench.contract.parameters import Json, Parameter, Params
from benchbench.contract.workload import Amount, Workload

if TYPE_CHECKING:
    import datasets
    import numpy as np


@dataclass(frozen=True, slots=True)
class Task:
    """What a method is given. The test split is not in it, so it cannot leak.

    `report(step, total, values)` feeds the progress line and the stored learning curve.
    `upstream` maps the id of each cell that this one requires to its artefact folder.
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


@runtime_checkable
class Classifier(Protocol):
    """A fitted method. A hard classifier only decides: its probability metrics are empty."""

    @property
    def hard(self) -> bool:
        """Whether it only decides and has no probabilities."""
        ...

    @property
    def facts(self) -> Json:
        """Trainable and total parameters, truncated share, number of 4-bit modules, ...

        All are optional, plain data, and stored in the record. The harness itself reads

        - `warnings`: a list of lines that readers of the board must see,
        - `training`: a `TrainingFacts` as plain data, for the table of what was tuned on what,
        - `exact_best`: how many of a document's highest scores are exact, where the others are
          bounds. Metrics that need more of them stay empty. Single-label only.
        """
        ...

    def predict_logits(self, texts: Sequence[str]) -> np.ndarray:
        """Return float32 [n_texts, n_labels]; its softmax or sigmoid gives the probabilities."""
        ...

    def save(self, folder: Path) -> None:
        """Write all that `Method.load` needs, except the weights of the backbone."""
        ...


@runtime_checkable
class Method(Protocol):
    """A way to turn a task into a classifier. All members below are required.

    Optional members are the protocols `HasRequirements` and `HasWorkload`: add their members to
    the same class.
    """

    @property
    def name(self) -> str:
        """The name that selects it."""
        ...

    @property
    def description(self) -> str:
        """One line for `benchbench ls`."""
        ...

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters it takes."""
        ...

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of corpora it takes."""
        ...

    @property
    def backbone_kinds(self) -> tuple[str, ...]:
        """The kinds of backbones it takes; empty if it needs none."""
        ...

    @property
    def seeded(self) -> bool:
        """Whether its result depends on the seed."""
        ...

    def fit(self, task: Task) -> Classifier:
        """Train on `task.train`, tune on `task.validation`."""
        ...

    def load(self, folder: Path, backbone: BoundBackbone | None) -> Classifier:
        """Return the classifier that `Classifier.save(folder)` wrote."""
        ...


@runtime_checkable
class HasRequirements(Protocol):
    """Optional for a method: it builds on the results of other cells."""

    def requires(self, cell: Cell) -> Iterable[Cell]:
        """Return the cells that must run first; `Task.upstream` has their artefact folders."""
        ...


@runtime_checkable
class HasWorkload(Protocol):
    """Optional for a method: `benchbench plan` can estimate its memory and time."""

    def workload(self, params: Params, amount: Amount) -> Workload:
        """Return what it does with a model, for these parameters and this amount of data."""
        ...

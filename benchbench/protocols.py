"""What plugins supply: the members that a dataset, a backbone, a method and an executor have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from benchbench.parameters import Parameter, Params
from benchbench.types import (
    BoundBackbone,
    Cell,
    Corpus,
    Event,
    Job,
    Json,
    Kind,
    LoadedModel,
    Outcome,
    Task,
)

if TYPE_CHECKING:
    import numpy as np


@runtime_checkable
class Dataset(Protocol):
    """A named dataset, not yet read."""

    @property
    def name(self) -> str:
        """The name it is asked for by."""
        ...

    @property
    def description(self) -> str:
        """One line for `benchbench ls`."""
        ...

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters it takes."""
        ...

    def kind(self, params: Params) -> Kind:
        """Say which kind of corpus these parameters give, without reading it."""
        ...

    def source(self, params: Params) -> str:
        """Return a digest of all that `load` would read; cheap beside `load`.

        Raises LoaderError where the source is missing or cannot be read.
        """
        ...

    def load(self, params: Params, folder: Path) -> Corpus:
        """Read the source into Arrow files under `folder`. Raises LoaderError."""
        ...


@runtime_checkable
class Generator(Protocol):
    """A dataset that generates its files. The dataset named `reads` reads them."""

    @property
    def name(self) -> str:
        """The name it is asked for by."""
        ...

    @property
    def description(self) -> str:
        """One line for `benchbench ls`."""
        ...

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters it takes; all but the common ones are the generator's own."""
        ...

    @property
    def reads(self) -> str:
        """The name of the dataset that reads what is generated."""
        ...

    def kind(self, params: Params) -> Kind:
        """Say which kind of corpus these parameters give, without generating it."""
        ...

    def generate(self, params: Params, folder: Path) -> Params:
        """Write the files under `folder`; return the parameters to read them with."""
        ...


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


@runtime_checkable
class Classifier(Protocol):
    """A fitted method. `hard` ones only decide: their probability metrics are empty."""

    @property
    def hard(self) -> bool:
        """Whether it only decides: then its probability metrics are empty."""
        ...

    @property
    def facts(self) -> Json:
        """Trainable and total parameters, truncated share, number of 4-bit modules, ..."""
        ...

    def predict_logits(self, texts: Sequence[str]) -> np.ndarray:
        """Return float32 [n_texts, n_labels]: softmax or sigmoid of it are the probabilities."""
        ...

    def save(self, folder: Path) -> None:
        """Write all that `Method.load` needs, weights of the backbone apart."""
        ...


@runtime_checkable
class Method(Protocol):
    """A way to turn a task into a classifier.

    `kinds` are the corpora it can take, `backbone_kinds` the backbones (empty: none needed),
    `seeded` says whether its result depends on the seed.
    """

    @property
    def name(self) -> str:
        """The name it is asked for by."""
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
        """The kinds of backbones it takes; empty where it needs none."""
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


class Executor(Protocol):
    """Where jobs run. `progress` is called with a job's cell and its events.

    Not asked for, and used where they are there: `parameters`, and with them
    `configured(params, jobs) -> Executor`, which is given a value for each and the most cells to
    run at once (None: as many as there is room for); `remote`, which is true where the cores of
    this machine do not count: then a cell has one thread unless the user asks for more.
    """

    @property
    def name(self) -> str:
        """The name it is asked for by."""
        ...

    def run(
        self, jobs: Iterable[Job], progress: Callable[[Cell, Event], None]
    ) -> Iterator[Outcome]:
        """Run the jobs, each in a process of its own; yield outcomes as they come."""
        ...

"""Where cells run: an executor takes jobs and returns outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from benchbench.contract.cell import Cell
from benchbench.contract.parameters import Parameter, Params
from benchbench.contract.record import Identity, Record


@dataclass(frozen=True, slots=True)
class Job:
    """One cell to run, as plain data that is small enough to send to another machine.

    `identity` has the cell's parameters, the weights, the device and the dtype. `corpus` is the
    folder of the Arrow files. `scratch` is the folder in which the cell leaves its outcome.
    `timeout` is in seconds. `upstream` maps the id of each cell that this one requires to the
    folder of its artefacts.
    """

    cell: Cell
    id: str
    key: str | None
    identity: Identity
    corpus: Path
    scratch: Path
    threads: int
    timeout: float | None
    upstream: Mapping[str, Path] = field(default_factory=dict)
    cache: Path | None = None
    """The folder in which cells share tokens and features; None where they share nothing."""
    memory_mib: int | None = None
    """The memory that the cell will need by estimate, in MiB: main memory for an executor that may
    be remote, that of the GPU where local cells share GPUs; None where that is unknown."""
    models: bool = True
    """Whether any cell of the run loads a model; then the fork server imports the libraries."""
    checkpoints: Path | None = None
    """The folder in which the cell's trainings save their states; None where they save none."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a job: a record that is not published yet, and the folder with its files."""

    record: Record
    folder: Path


@dataclass(frozen=True, slots=True)
class Event:
    """One step of a running cell. `values` has, for example, the loss or documents per second."""

    stage: str
    step: int
    total: int
    values: Mapping[str, float] = field(default_factory=dict)


@runtime_checkable
class Executor(Protocol):
    """Where jobs run. All members below are required.

    Optional members are the protocols `Configurable` and `MayBeRemote`: add their members to the
    same class.
    """

    @property
    def name(self) -> str:
        """The name that selects it."""
        ...

    def run(
        self, jobs: Iterable[Job], progress: Callable[[Cell, Event], None]
    ) -> Iterator[Outcome]:
        """Run the jobs, each in its own process, and yield outcomes as they come.

        Call `progress` with the cell of a job and each of its events.
        """
        ...


@runtime_checkable
class Configurable(Protocol):
    """Optional for an executor: it takes parameters, and a limit of cells at once."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters it takes, as in `--set NAME.PARAMETER=VALUE`."""
        ...

    def configured(self, params: Params, jobs: int | None) -> Executor:
        """Return an executor with a value for every parameter.

        `jobs` is how many cells may run at once; None means as many as there is room for.
        """
        ...


@runtime_checkable
class MayBeRemote(Protocol):
    """Optional for an executor: it says whether its cells use the cores of this machine."""

    @property
    def remote(self) -> bool:
        """Whether cells run elsewhere: a cell then has one thread unless the user sets more."""
        ...

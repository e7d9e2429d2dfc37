"""Where cells run: what an executor is handed, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from benchbench.contract.cell import Cell
from benchbench.contract.record import Identity, Record


@dataclass(frozen=True, slots=True)
class Job:
    """What an executor is handed: plain data, small enough to send anywhere.

    `identity` has the cell's parameters, the weights, the device and the dtype. `corpus` is the
    folder of the Arrow files, `scratch` where the cell leaves its outcome. `timeout` is in
    seconds. `upstream` maps the ids of the cells that this one requires to their artefacts.
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

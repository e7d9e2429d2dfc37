"""When a training saves its state, and where, so that a cell that was ended can go on.

The harness lets the trainings of a cell save their states in a folder of the cell's key. They are
numbered in the order in which they begin. A state that is damaged, or that belongs to another
training, is not used. Whatever goes wrong here, the training itself goes on.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench.contract import Json
from benchbench.kit.training.training_state import (
    DamagedState,
    TrainingState,
    read_state,
    write_state,
)
from benchbench.machine import CURRENT, digest, fsio, one_line, redact

if TYPE_CHECKING:
    from benchbench.kit.training.steps import Steps
    from benchbench.kit.training.training_task import TrainingTask

LEAST_SECONDS = 30.0
"""The least time between two states, however quickly they are saved."""
LARGEST_SHARE = 0.02
"""The largest share of the time of a training that saving its states may take."""
ASSUMED_RATE = 1e8
"""Bytes per second that a disk takes, until the first state has been saved: that of a slow one."""
SAMPLE = 1024
"""How many values of a weight tell whether a training begins as another one did."""
LOCK = "lock"
Clock = Callable[[], float]


@dataclass(slots=True)
class SavingBudget:
    """When the next state may be saved: `share` of the time so far must pay for all of them.

    `expected` is how long the next one will take, in seconds: at first a guess by its size, then
    what the last one took.
    """

    expected: float
    started: float
    least: float
    share: float
    spent: float = 0.0
    last: float = field(init=False)

    def __post_init__(self) -> None:
        """Count from the start of the training."""
        self.last = self.started

    def allows(self, now: float) -> bool:
        """Say whether a state may be saved now."""
        if now - self.last < self.least:
            return False
        return self.spent + self.expected <= self.share * (now - self.started)

    def count(self, start: float, end: float) -> None:
        """Count a state that was saved between two times."""
        self.expected, self.last = end - start, end
        self.spent += end - start


@dataclass(slots=True)
class Checkpoints:
    """The states that the trainings of a cell save in `folder`, and what became of them.

    `begun` counts the trainings. `resumed_at` has the step of each training from which it went on,
    also those of earlier attempts. `ignored` says why states were not used, `fault` why none could
    be saved. Only one process at a time saves states in a folder: the one that holds its lock.
    """

    folder: Path | None
    begun: int = 0
    resumed_at: list[int] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    fault: str = ""
    _lock: int | None = None

    @contextmanager
    def enabled(self) -> Iterator[None]:
        """Let `train` save states in the folder, and go on from them, until the end of the block.

        The harness does this around `fit`. Outside such a block nothing is saved.
        """
        token = _CHECKPOINTS.set(self)
        try:
            yield
        finally:
            _CHECKPOINTS.reset(token)
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    def notes(self) -> Json:
        """Return what became of the states, for a record's provenance; empty where nothing did."""
        said: Json = {
            "resumed_at_step": self.resumed_at,
            "ignored": self.ignored,
            "fault": self.fault,
        }
        return {name: value for name, value in said.items() if value}

    def holds_lock(self) -> bool:
        """Say whether this process may use the folder, which must exist."""
        if self._lock is not None:
            return True
        if self.folder is None or self.fault:
            return False
        try:
            descriptor = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(descriptor)
                raise
        except BlockingIOError:
            self.fault = "another process trains the same cell"
        except OSError as error:
            self.fault = fsio.reason_of(error)
        else:
            self._lock = descriptor
        return self._lock is not None


_CHECKPOINTS: ContextVar[Checkpoints | None] = ContextVar("checkpoints", default=None)


@dataclass(slots=True)
class Saver:
    """Saves the state of one training, and finds the one that an ended attempt has saved.

    `training` identifies it: a state of another training is not used.
    """

    cell: Checkpoints
    number: int
    training: str
    budget: SavingBudget
    clock: Clock = time.monotonic
    resumed_at: list[int] = field(default_factory=list)
    earlier: float = 0.0
    """The seconds that the attempts before this one have trained."""

    def saved(self) -> TrainingState | None:
        """Return the state from which to go on, None where there is none or none to be used.

        The seconds of training that it stands for are charged to the running cell.
        """
        folder = self.cell.folder
        if folder is None or not folder.is_dir() or not self.cell.holds_lock():
            return None
        try:
            state = read_state(folder, self.number)
        except DamagedState as fault:
            self.cell.ignored.append(f"the state of training {self.number} is damaged: {fault}")
            return None
        if state is None:
            return None
        if state.facts.get("training") != self.training:
            self.cell.ignored.append(f"the state of training {self.number} is of another one")
            return None
        self.earlier = state.facts["seconds"]
        training = state.part("state")
        self.resumed_at = [*state.facts["resumed_at"], state.facts["step"]]
        self.cell.resumed_at += self.resumed_at
        if (watch := CURRENT.get()) is not None:
            watch.resume(self.earlier)
        return training

    def save_if_due(self, make: Callable[[], TrainingState]) -> None:
        """Save the state that `make` returns, if the time has come and the disk takes it."""
        start = self.clock()
        if self.cell.folder is None or self.cell.fault or not self.budget.allows(start):
            return
        try:
            fsio.make_folder(self.cell.folder)
            if not self.cell.holds_lock():
                return
            state = make()
            whole = TrainingState.of(
                {"state": state},
                training=self.training,
                step=state.facts["steps"]["done"],
                seconds=self.earlier + start - self.budget.started,
                resumed_at=self.resumed_at,
            )
            write_state(self.cell.folder, self.number, whole)
        except Exception as error:  # a state that cannot be saved must not cost the cell its result
            cause = error.__cause__
            reason = fsio.reason_of(cause) if isinstance(cause, OSError) else one_line(error)
            self.cell.fault = redact(reason)
        self.budget.count(start, self.clock())


def saver_of(task: TrainingTask[Any], steps: Steps[Any], seed: int) -> Saver:
    """Return what saves the states of a training that is about to begin."""
    cell = _CHECKPOINTS.get() or Checkpoints(None)
    cell.begun += 1
    # weights, two moments of AdamW, and the weights of the best epoch
    size = 4 * sum(weight.numel() * weight.element_size() for weight in steps.parameters)
    budget = SavingBudget(size / ASSUMED_RATE, time.monotonic(), LEAST_SECONDS, LARGEST_SHARE)
    training = _identity(task, steps, seed) if cell.folder is not None else ""
    return Saver(cell, cell.begun, training, budget)


def _identity(task: TrainingTask[Any], steps: Steps[Any], seed: int) -> str:
    """Return the sha256 of what tells a training from others: plan, batches, weights, start.

    The key of the cell, in whose folder the states lie, holds all that decides its numbers.
    """
    names = {
        id(weight): f"{number}.{name}"
        for number, module in enumerate(task.modules)
        for name, weight in module.named_parameters()
    }
    weights = [
        [names[id(weight)], list(weight.shape), str(weight.dtype), _sample(weight)]
        for weight in steps.parameters
    ]
    plan = asdict(steps.plan)
    return digest({"plan": plan, "seed": seed, "sizes": steps.sizes, "weights": weights})


def _sample(weight: Any) -> str:
    """Return the sha256 of some of a weight's values, evenly spread."""
    import torch

    values = weight.detach().flatten()
    spread = values[:: max(1, len(values) // SAMPLE)].contiguous().cpu()
    return hashlib.sha256(spread.view(torch.uint8).numpy().tobytes()).hexdigest()

"""The training loop, the same for every method, so that budgets and rules are the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic

from benchbench.contract import Diverged
from benchbench.kit.guards import check_finite, check_trainable
from benchbench.kit.seeding import seed_everything
from benchbench.kit.training.checkpoints import saver_of
from benchbench.kit.training.steps import SLOWER, Steps
from benchbench.kit.training.training_plan import TrainingPlan
from benchbench.kit.training.training_state import TrainingState
from benchbench.kit.training.training_task import Batch, TrainingTask

if TYPE_CHECKING:
    from torch import nn

PASSED = {
    "all that must be trained can be trained": "passed",
    "all that must be trained changed in the first step": "passed",
    "losses, gradients and trained weights stayed finite": "passed",
}
"""The guards that have passed once `train` returns, for a classifier's `facts["guards"]`."""
Report = Callable[[int, int, Mapping[str, float]], None]


def train(
    task: TrainingTask[Batch], plan: TrainingPlan, report: Report, seed: int
) -> dict[str, Any]:
    """Train with AdamW, leave the weights of the best epoch in place, and return facts.

    The best epoch has the lowest validation loss. `plan.patience` epochs without a lower loss end
    the training. `report(step, total, values)` gets loss, learning_rate and documents_per_second,
    and validation_loss at the end of an epoch.

    Where `checkpoints` are enabled, the state is saved now and then, and a training that was ended
    meanwhile goes on from there to the same weights, and reports again what it had reported. So
    nothing but the global random generators may change inside `task` from step to step.

    Facts: learning_rate, steps, epochs_run, best_epoch (from 1), best_validation_loss,
    micro_batches, memory_retries.

    Raises HeadFrozen where a group is frozen or does not change, and Diverged where a loss, a
    gradient or a trained weight is not finite.
    """
    check_trainable(task.groups)
    seed_everything(seed)
    training = _Training(task, plan, Steps(task, plan), report)
    saver = saver_of(task, training.steps, seed)
    if (state := saver.saved()) is not None:
        training.restore(state)
    while training.goes_on:
        for _ in training.epoch():
            saver.save_if_due(training.state)
    if not training.steps.changed:
        raise Diverged(
            "no step was taken: every gradient was infinite in float16; set dtype to bfloat16 on a "
            "GPU that has it, else to float32"
        )
    best = training.best
    best.restore(training.steps.parameters)
    task.mode(training=False)
    return {
        "learning_rate": plan.learning_rate,
        "steps": training.steps.done,
        "epochs_run": training.epochs,
        "best_epoch": best.epoch,
        "best_validation_loss": best.loss,
        **training.steps.facts,
    }


@dataclass(slots=True)
class _Best:
    """The epoch with the lowest validation loss so far, and its weights on the CPU."""

    loss: float = math.inf
    epoch: int = 0
    weights: list[Any] = field(default_factory=list)

    def keep(self, epoch: int, loss: float, parameters: Sequence[nn.Parameter]) -> None:
        """Copy the weights if `loss` is lower than any before."""
        if loss < self.loss:
            self.loss, self.epoch = loss, epoch
            self.weights = [parameter.detach().cpu().clone() for parameter in parameters]

    def restore(self, parameters: Sequence[nn.Parameter]) -> None:
        """Put the weights back; raise Diverged where one is not finite."""
        for parameter, value in zip(parameters, self.weights, strict=True):
            parameter.data.copy_(value)
        check_finite("the trained weights", parameters, SLOWER)


@dataclass(slots=True)
class _Training(Generic[Batch]):
    """A training that goes on: its steps, its best epoch, its epochs so far, and its curve."""

    task: TrainingTask[Batch]
    plan: TrainingPlan
    steps: Steps[Batch]
    report: Report
    best: _Best = field(default_factory=_Best)
    epochs: int = 0
    curve: list[tuple[int, Mapping[str, float]]] = field(default_factory=list)

    @property
    def goes_on(self) -> bool:
        """Whether another epoch follows."""
        patient = not self.plan.patience or self.epochs - self.best.epoch < self.plan.patience
        return self.epochs < self.plan.epochs and patient

    def epoch(self) -> Iterator[None]:
        """Train and validate for an epoch, or for the rest of one; yield where a state is whole."""
        self.task.mode(training=True)
        for values in self.steps.epoch(self.epochs):
            if values is not None:
                self._tell(values)
            yield
        loss = _validate(self.task, self.epochs + 1)
        self._tell({"epoch": self.epochs + 1, "validation_loss": loss})
        self.epochs += 1
        self.best.keep(self.epochs, loss, self.steps.parameters)
        self.steps.next_epoch()
        yield

    def state(self) -> TrainingState:
        """Return all that decides how the training goes on."""
        weights = {str(index): weight for index, weight in enumerate(self.best.weights)}
        best = {"epoch": self.best.epoch, "loss": self.best.loss} if weights else {}
        parts = {"steps": self.steps.state(), "best": TrainingState(best, weights)}
        return TrainingState.of(parts, epochs=self.epochs, curve=self.curve)

    def restore(self, state: TrainingState) -> None:
        """Put everything back, and report again what was reported until then."""
        self.steps.restore(state.part("steps"))
        best = state.part("best")
        weights = [best.tensors[str(index)] for index in range(len(best.tensors))]
        self.best = _Best(**best.facts, weights=weights)
        self.epochs = state.facts["epochs"]
        for step, values in state.facts["curve"]:
            self._tell(values, step)

    def _tell(self, values: Mapping[str, float], step: int | None = None) -> None:
        step = self.steps.done if step is None else step
        self.curve.append((step, values))
        self.report(step, self.steps.total, values)


def _validate(task: TrainingTask[Any], epoch: int) -> float:
    """Return the validation loss after `epoch`; raise Diverged where it is not finite."""
    import torch

    task.mode(training=False)
    with torch.no_grad():
        loss = float(task.validate())
    check_finite(f"the validation loss of epoch {epoch}", [torch.tensor(loss)], SLOWER)
    return loss

"""The training loop, the same for every method, so that budgets and rules are the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchbench.contract import Diverged
from benchbench.kit.guards import check_finite, check_trainable
from benchbench.kit.seeding import seed_everything
from benchbench.kit.training.steps import SLOWER, Steps
from benchbench.kit.training.training_plan import TrainingPlan
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

    Facts: learning_rate, steps, epochs_run, best_epoch (from 1), best_validation_loss,
    micro_batches, memory_retries.

    Raises HeadFrozen where a group is frozen or does not change, and Diverged where a loss, a
    gradient or a trained weight is not finite.
    """
    check_trainable(task.groups)
    seed_everything(seed)
    steps, best, epoch = Steps(task, plan), _Best(), 0
    for epoch in range(1, plan.epochs + 1):
        task.mode(training=True)
        for values in steps.epoch(epoch - 1):
            report(steps.done, steps.total, values)
        loss = _validate(task, epoch)
        report(steps.done, steps.total, {"epoch": epoch, "validation_loss": loss})
        best.keep(epoch, loss, steps.parameters)
        if plan.patience and epoch - best.epoch >= plan.patience:
            break
    if not steps.changed:
        raise Diverged(
            "no step was taken: every gradient was infinite in float16; set dtype to bfloat16 on a "
            "GPU that has it, else to float32"
        )
    best.restore(steps.parameters)
    task.mode(training=False)
    return {
        "learning_rate": plan.learning_rate,
        "steps": steps.done,
        "epochs_run": epoch,
        "best_epoch": best.epoch,
        "best_validation_loss": best.loss,
        **steps.facts,
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


def _validate(task: TrainingTask[Any], epoch: int) -> float:
    """Return the validation loss after `epoch`; raise Diverged where it is not finite."""
    import torch

    task.mode(training=False)
    with torch.no_grad():
        loss = float(task.validate())
    check_finite(f"the validation loss of epoch {epoch}", [torch.tensor(loss)], SLOWER)
    return loss

"""The training loop, the same for every method, so that budgets and rules are the same."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from benchbench.contract import Diverged
from benchbench.kit.guards import check_changed, check_finite, check_trainable, copies
from benchbench.kit.seeding import seed_everything
from benchbench.kit.training.training_plan import TrainingPlan

if TYPE_CHECKING:
    from torch import Tensor, nn, optim

PASSED = {
    "all that must be trained can be trained": "passed",
    "all that must be trained changed in the first step": "passed",
    "losses, gradients and trained weights stayed finite": "passed",
}
"""The guards that have passed once `train` returns, for a classifier's `facts["guards"]`."""
SLOWER = "a lower learning rate may help"
"""What to do where training gives a number that is not finite."""
REPORTS = 200
"""About how many times a training reports, whatever its length."""

Batch = TypeVar("Batch", bound=Sized)
Report = Callable[[int, int, Mapping[str, float]], None]


@dataclass(frozen=True, slots=True)
class TrainingTask(Generic[Batch]):
    """What `train` trains, on what, and by which measure.

    - `modules` hold all weights that are trained.
    - `groups` are parameters that must be trainable and must change in the first step.
    - `batches(epoch)` returns the batches of an epoch, as many in every epoch. The `len` of a
      batch is its number of documents.
    - `loss(batch)` returns the mean over the documents of a batch.
    - `validate()` returns the validation loss, the lower the better. It is called with the
      modules in eval mode and without gradients.
    - `scaled` says whether the loss is scaled, which float16 needs.
    """

    modules: Sequence[nn.Module]
    groups: Mapping[str, Sequence[nn.Parameter]]
    batches: Callable[[int], Sequence[Batch]]
    loss: Callable[[Batch], Tensor]
    validate: Callable[[], float]
    scaled: bool = False

    def parameters(self) -> list[nn.Parameter]:
        """Return all trained parameters, none of them twice."""
        trained = {id(p): p for m in self.modules for p in m.parameters() if p.requires_grad}
        return list(trained.values())

    def mode(self, training: bool) -> None:
        """Put every module in training mode or in eval mode."""
        for module in self.modules:
            module.train(training)


def train(
    task: TrainingTask[Batch], plan: TrainingPlan, report: Report, seed: int
) -> dict[str, Any]:
    """Train with AdamW, leave the weights of the best epoch in place, and return facts.

    The best epoch has the lowest validation loss. `plan.patience` epochs without a lower loss end
    the training. `report(step, total, values)` gets loss, learning_rate and documents_per_second,
    and validation_loss at the end of an epoch.

    Facts: learning_rate, steps, epochs_run, best_epoch (from 1), best_validation_loss.

    Raises HeadFrozen where a group is frozen or does not change, and Diverged where a loss, a
    gradient or a trained weight is not finite.
    """
    check_trainable(task.groups)
    seed_everything(seed)
    steps, best, epoch = _Steps(task, plan), _Best(), 0
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


class _Steps(Generic[Batch]):
    """The optimizer, and how many of its steps are done."""

    def __init__(self, task: TrainingTask[Batch], plan: TrainingPlan) -> None:
        import torch

        self.task, self.plan = task, plan
        self.parameters = task.parameters()
        self.optimizer: optim.Optimizer = torch.optim.AdamW(
            self.parameters, lr=plan.learning_rate, weight_decay=plan.weight_decay, fused=True
        )
        device = self.parameters[0].device.type
        self.scaler = torch.amp.GradScaler(device, enabled=task.scaled)
        self.total = plan.epochs * math.ceil(len(task.batches(0)) / plan.accumulation)
        self.done = 0
        self.changed = False

    def epoch(self, epoch: int) -> Iterator[dict[str, float]]:
        """Take the steps of an epoch; yield values to report now and then, and at its end."""
        batches = self.task.batches(epoch)
        size = self.plan.accumulation
        every = max(1, self.total // REPORTS)
        losses, documents, since = 0.0, 0, time.perf_counter()
        for start in range(0, len(batches), size):
            group = batches[start : start + size]
            count = sum(map(len, group))
            losses += self.step(group) * count
            documents += count
            if self.done % every == 0 or start + size >= len(batches):
                now = time.perf_counter()
                yield {
                    "epoch": epoch + 1,
                    "loss": losses / documents,
                    "learning_rate": self.optimizer.param_groups[0]["lr"],
                    "documents_per_second": documents / (now - since),
                }
                losses, documents, since = 0.0, 0, now

    def step(self, group: Sequence[Batch]) -> float:
        """Take one step on the mean loss over all documents of `group`; return that loss."""
        import torch

        self._set_rate()
        documents, mean = sum(map(len, group)), 0.0
        for batch in group:
            loss = self.task.loss(batch)
            check_finite(f"the loss of step {self.done + 1}", [loss], SLOWER)
            share = len(batch) / documents  # so that every document counts the same
            torch.autograd.backward(self.scaler.scale(loss * share))
            mean += loss.item() * share
        self.scaler.unscale_(self.optimizer)
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, self.plan.clip_norm, foreach=True)
        if not self.task.scaled:  # the scaler leaves out steps with infinite gradients
            check_finite(f"the gradient of step {self.done + 1}", [norm], SLOWER)
        self._update(taken=bool(norm.isfinite()))
        self.done += 1
        return mean

    def _set_rate(self) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.plan.rate(self.done, self.total)

    def _update(self, taken: bool) -> None:
        """Change the weights. The first time, check that every group really changed."""
        first = taken and not self.changed
        before = copies(self.task.groups) if first else {}
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        if first:
            check_changed(before, self.task.groups)
            self.changed = True


def _validate(task: TrainingTask[Any], epoch: int) -> float:
    """Return the validation loss after `epoch`; raise Diverged where it is not finite."""
    import torch

    task.mode(training=False)
    with torch.no_grad():
        loss = float(task.validate())
    check_finite(f"the validation loss of epoch {epoch}", [torch.tensor(loss)], SLOWER)
    return loss

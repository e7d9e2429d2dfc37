"""The steps of a training: batches in, changed weights out."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Generic

from benchbench.kit.guards import check_changed, check_finite, copies
from benchbench.kit.training.training_plan import TrainingPlan
from benchbench.kit.training.training_task import Batch, TrainingTask

if TYPE_CHECKING:
    from torch import optim

SLOWER = "a lower learning rate may help"
"""What to do where training gives a number that is not finite."""
REPORTS = 200
"""About how many times a training reports, whatever its length."""


class Steps(Generic[Batch]):
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

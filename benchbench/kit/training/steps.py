"""The steps of a training: batches in, changed weights out."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic

from benchbench.kit.guards import check_changed, check_finite, copies
from benchbench.kit.training.micro_batches import free_memory
from benchbench.kit.training.random_state import RandomState
from benchbench.kit.training.training_plan import TrainingPlan
from benchbench.kit.training.training_task import Batch, TrainingTask
from benchbench.machine import is_out_of_memory

if TYPE_CHECKING:
    from torch import Tensor, optim

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
        self.micro = plan.micro_batches(self.parameters[0].device.type)
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
                    "memory_retries": self.micro.retries,
                }
                losses, documents, since = 0.0, 0, now

    def step(self, group: Sequence[Batch]) -> float:
        """Take one step on the mean loss over all documents of `group`; return that loss.

        The device is waited for once, after the gradients. Where memory runs out on the way to
        them, the step begins anew with smaller micro-batches.
        """
        import torch

        self._set_rate()
        before = RandomState.now(self.parameters[0].device.type)
        while (losses := self._gradients(group)) is None:  # no frame of it holds a tensor by now
            self.optimizer.zero_grad(set_to_none=True)
            free_memory()
            before.restore()
        self.scaler.unscale_(self.optimizer)
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, self.plan.clip_norm, foreach=True)
        mean, taken = self._checked(losses, norm)
        self._update(taken)
        self.done += 1
        return mean

    @property
    def facts(self) -> dict[str, int]:
        """What the record says of the steps: the most micro-batches of one, and repeated ones."""
        return {"micro_batches": self.micro.most, "memory_retries": self.micro.retries}

    def _gradients(self, group: Sequence[Batch]) -> list[tuple[float, Tensor]] | None:
        """Add up the gradients of a step; return the share and the loss of every micro-batch.

        None says that memory ran out, and that the next attempt takes smaller micro-batches.
        """
        documents = sum(map(len, group))
        losses: list[tuple[float, Tensor]] = []
        for batch in group:
            lengths = self.task.lengths(batch)
            parts = self.micro.cut(lengths)
            try:
                losses += self._backward(batch, parts, documents)
            except Exception as error:
                if is_out_of_memory(error) and self.micro.halve(*(lengths[part] for part in parts)):
                    return None
                raise
        self.micro.most = max(self.micro.most, len(losses))
        return losses

    def _backward(
        self, batch: Batch, parts: Sequence[slice], documents: int
    ) -> Iterator[tuple[float, Tensor]]:
        """Add the gradients of a batch, part by part; yield the share and the loss of each.

        The share is that of all documents of the step, so that every document counts the same.
        """
        import torch

        shared = self.task.shared(batch) if len(parts) > 1 else None
        loss_of = shared.loss if shared is not None else self.task.loss
        for part in parts:
            some: Any = batch[part]
            share, loss = len(some) / documents, loss_of(some)
            torch.autograd.backward(self.scaler.scale(loss * share))
            yield share, loss.detach()
        if shared is not None:
            shared.backward()

    def _checked(self, losses: Sequence[tuple[float, Tensor]], norm: Tensor) -> tuple[float, bool]:
        """Return (the loss of a step, whether its gradient is finite), by one copy to the host.

        Raises Diverged where the loss is not finite, or a gradient that no scale has made so.
        """
        import torch

        scalars = torch.stack([norm.float(), *(loss.float() for _, loss in losses)]).cpu()
        check_finite(f"the loss of step {self.done + 1}", [scalars[1:]], SLOWER)
        if not self.task.scaled:  # the scaler leaves out steps with infinite gradients
            check_finite(f"the gradient of step {self.done + 1}", [scalars[:1]], SLOWER)
        length, *values = scalars.tolist()
        mean = sum(share * value for (share, _), value in zip(losses, values, strict=True))
        return mean, math.isfinite(length)

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

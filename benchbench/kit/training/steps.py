"""The steps of a training: batches in, changed weights out."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Generic

from benchbench.kit.guards import check_changed, check_finite, copies
from benchbench.kit.training.micro_batches import MicroBatches, free_memory
from benchbench.kit.training.random_state import RandomState
from benchbench.kit.training.training_plan import TrainingPlan
from benchbench.kit.training.training_state import (
    TrainingState,
    random_state,
    restore_random_state,
)
from benchbench.kit.training.training_task import Batch, TrainingTask
from benchbench.machine import is_out_of_memory

if TYPE_CHECKING:
    from torch import Tensor, optim

SLOWER = "a lower learning rate may help"
"""What to do where training gives a number that is not finite."""
REPORTS = 200
"""About how many times a training reports, whatever its length."""


@dataclass(slots=True)
class Position:
    """How far an epoch is: the batches that are done, and what its next report is made of."""

    batches: int = 0
    losses: float = 0.0
    documents: int = 0
    seconds: float = 0.0


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
        batches = task.batches(0)
        self.sizes = [len(batch) for batch in batches]
        self.total = plan.epochs * math.ceil(len(batches) / plan.accumulation)
        self.done = 0
        self.changed = False
        self.position = Position()
        self._drawn_at = TrainingState()

    def epoch(self, epoch: int) -> Iterator[dict[str, float] | None]:
        """Take the steps of an epoch, from `position` on, and yield after each.

        It yields values to report now and then, and at the end of the epoch; else None.
        """
        batches = self._batches(epoch)
        size = self.plan.accumulation
        every = max(1, self.total // REPORTS)
        at, since = self.position, time.perf_counter() - self.position.seconds
        for start in range(at.batches, len(batches), size):
            group = batches[start : start + size]
            count = sum(map(len, group))
            at.losses += self.step(group) * count
            at.documents += count
            at.batches = start + size
            now = time.perf_counter()
            at.seconds = now - since
            values = None
            if self.done % every == 0 or at.batches >= len(batches):
                values = {
                    "epoch": epoch + 1,
                    "loss": at.losses / at.documents,
                    "learning_rate": self.optimizer.param_groups[0]["lr"],
                    "documents_per_second": at.documents / at.seconds,
                    "memory_retries": self.micro.retries,
                }
                at.losses, at.documents, at.seconds, since = 0.0, 0, 0.0, now
            yield values

    def next_epoch(self) -> None:
        """Go to the first batch of the next epoch."""
        self.position = Position()

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

    def state(self) -> TrainingState:
        """Return all that decides the next steps."""
        optimizer = {
            f"{index}.{name}": value
            for index, values in self.optimizer.state_dict()["state"].items()
            for name, value in values.items()
        }
        weights: dict[str, Tensor] = {
            str(index): weight for index, weight in enumerate(self.parameters)
        }
        parts = {
            "weights": TrainingState({}, weights),
            "optimizer": TrainingState({}, optimizer),
            "drawn_at": self._drawn_at,
            "random": random_state(),
        }
        facts: dict[str, Any] = {"done": self.done, "changed": self.changed}
        facts |= {"position": asdict(self.position), "scaler": self.scaler.state_dict()}
        facts["micro_batches"] = asdict(self.micro)
        return TrainingState.of(parts, **facts)

    def restore(self, state: TrainingState) -> None:
        """Put everything back to what it was when `state` returned this."""
        for index, weight in enumerate(self.parameters):
            weight.data.copy_(state.part("weights").tensors[str(index)])
        optimizer: dict[int, dict[str, Any]] = {}
        for key, value in state.part("optimizer").tensors.items():
            number, _, name = key.partition(".")
            optimizer.setdefault(int(number), {})[name] = value
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": optimizer, "param_groups": groups})
        self.scaler.load_state_dict(state.facts["scaler"])
        self.done, self.changed = state.facts["done"], state.facts["changed"]
        self.position = Position(**state.facts["position"])
        self.micro = MicroBatches(**state.facts["micro_batches"])
        self._drawn_at = state.part("drawn_at")
        restore_random_state(state.part("random"))

    def _batches(self, epoch: int) -> Sequence[Batch]:
        """Return the batches of an epoch; those of one that goes on as they were first drawn."""
        if not self.position.batches:
            self._drawn_at = random_state()
            return self.task.batches(epoch)
        now = random_state()
        restore_random_state(self._drawn_at)
        batches = self.task.batches(epoch)
        restore_random_state(now)
        return batches

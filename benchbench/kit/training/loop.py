"""The training loop that every method shares, so that budgets and rules are the same."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from benchbench.contract import Diverged, Parameter, Params
from benchbench.kit.guards import check_changed, check_finite, check_trainable, copies
from benchbench.kit.seeding import seed_everything

if TYPE_CHECKING:
    from torch import Tensor, nn, optim

    from benchbench.contract import LoadedModel

TRAINING_PARAMETERS = (
    Parameter("epochs", int, 3, "passes over the training documents", minimum=1),
    Parameter("batch_size", int, 16, "documents in a batch", minimum=1),
    Parameter(
        "learning_rate",
        float,
        "auto",
        "peak rate of AdamW; auto: 2e-4 at width 4096, scaled with 1/width, at most 2e-3",
        words=("auto",),
        minimum=1e-7,
        maximum=1.0,
    ),
    Parameter("schedule", str, "linear", "decay after warm-up", choices=("linear", "cosine")),
    Parameter("warmup", float, 0.1, "share of the steps that warm up", minimum=0, maximum=1),
    Parameter("weight_decay", float, 0.0, "weight decay of AdamW", minimum=0, maximum=1),
    Parameter("accumulation", int, 1, "batches that make one step", minimum=1),
    Parameter("clip_norm", float, 1.0, "largest norm of the gradient", minimum=1e-6),
    Parameter(
        "patience",
        int,
        2,
        "epochs without a lower validation loss before training stops; 0: never",
        minimum=0,
    ),
    Parameter("document_tokens", int, 256, "tokens kept of a document, from its start", minimum=1),
    Parameter("eval_batch_size", int, 32, "documents in a prediction batch", minimum=1),
    Parameter(
        "gradient_checkpointing",
        bool,
        "auto",
        "recompute activations to save memory; auto: on a GPU from 2e9 parameters",
        words=("auto",),
    ),
)
PASSED = {
    "all that must be trained can be trained": "passed",
    "all that must be trained changed in the first step": "passed",
    "losses, gradients and trained weights stayed finite": "passed",
}
"""The guards that have passed once `train` returns, for a classifier's `facts["guards"]`."""
REPORTS = 200
"""About how many times a training reports, whatever its length."""

Batch = TypeVar("Batch", bound=Sized)


def auto_learning_rate(hidden_size: int) -> float:
    """Return min(2e-3, 2e-4 * 4096 / hidden_size), the same rule for every LLM method.

    The anchor is QLoRA's 2e-4 for its 7B model, whose width is 4096 (Dettmers et al., 2023); the
    rate of a matrix goes with 1/width as in muP (Yang et al., 2022). The cap is measured: a model
    of width 64 learned 77 intents best at 2e-3 and lost its way at 5e-3.
    """
    return min(2e-3, 2e-4 * 4096 / hidden_size)


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """The budget of a training: `TRAINING_PARAMETERS` with `learning_rate` settled."""

    epochs: int
    batch_size: int
    learning_rate: float
    schedule: str
    warmup: float
    weight_decay: float
    accumulation: int
    clip_norm: float
    patience: int
    document_tokens: int
    eval_batch_size: int
    gradient_checkpointing: bool | str

    @classmethod
    def from_params(
        cls, params: Params, hidden_size: int, auto: Callable[[int], float] = auto_learning_rate
    ) -> TrainingPlan:
        """Take the parameters of `TRAINING_PARAMETERS`; `auto(hidden_size)` is an auto rate."""
        values: dict[str, Any] = {p.name: params[p.name] for p in TRAINING_PARAMETERS}
        if values["learning_rate"] == "auto":
            values["learning_rate"] = auto(hidden_size)
        return cls(**values)

    def rate(self, step: int, total: int) -> float:
        """Return the learning rate of `step` (from 0) of `total`: never zero, peak at warm-up."""
        warmup = math.ceil(self.warmup * total)
        if step < warmup:
            return self.learning_rate * (step + 1) / warmup
        done = (step - warmup) / max(1, total - warmup)
        decay = 1 - done if self.schedule == "linear" else (1 + math.cos(math.pi * done)) / 2
        return self.learning_rate * decay


@dataclass(frozen=True, slots=True)
class TrainingTask(Generic[Batch]):
    """What is trained, on what, and by which measure.

    `modules` hold all that is trained; `groups` are parameters that must be trainable and must
    change in the first step. `batches(epoch)` are an epoch's batches, whose `len` is a count of
    documents, and as many every epoch. `loss(batch)` is a mean over documents. `validate()` is
    the validation loss (lower is better); it finds the modules in eval mode and without
    gradients. `scaled` scales the loss, which float16 needs.
    """

    modules: Sequence[nn.Module]
    groups: Mapping[str, Sequence[nn.Parameter]]
    batches: Callable[[int], Sequence[Batch]]
    loss: Callable[[Batch], Tensor]
    validate: Callable[[], float]
    scaled: bool = False

    def parameters(self) -> list[nn.Parameter]:
        """Return all trained parameters, each once."""
        found = {id(p): p for m in self.modules for p in m.parameters() if p.requires_grad}
        return list(found.values())

    def mode(self, training: bool) -> None:
        """Put every module in training or in eval mode."""
        for module in self.modules:
            module.train(training)


Report = Callable[[int, int, Mapping[str, float]], None]


def train(
    lesson: TrainingTask[Batch], plan: TrainingPlan, report: Report, seed: int
) -> dict[str, Any]:
    """Train with AdamW, leave the weights of the best epoch in place, and return facts.

    Warm-up, then decay; gradients clipped; an epoch with the lowest validation loss is the best,
    and `plan.patience` epochs without a lower one end the training. `report(step, total,
    values)` gets loss, learning_rate and documents_per_second, at epoch ends validation_loss.

    Facts: learning_rate, steps, epochs_run, best_epoch (from 1), best_validation_loss.

    Raises HeadFrozen where a group is frozen or does not change, and Diverged where a loss, a
    gradient or a trained weight is not finite.
    """
    check_trainable(lesson.groups)
    seed_everything(seed)
    steps = _Steps(lesson, plan)
    best_loss, best_epoch, best = math.inf, 0, list[Any]()
    epoch = 0
    for epoch in range(1, plan.epochs + 1):
        lesson.mode(training=True)
        for values in steps.epoch(epoch - 1):
            report(steps.done, steps.total, values)
        validation_loss = _validate(lesson, epoch)
        report(steps.done, steps.total, {"epoch": epoch, "validation_loss": validation_loss})
        if validation_loss < best_loss:
            best_loss, best_epoch = validation_loss, epoch
            best = [parameter.detach().cpu().clone() for parameter in steps.parameters]
        elif plan.patience and epoch - best_epoch >= plan.patience:
            break
    if not steps.changed:
        raise Diverged("no step was taken: every gradient was infinite in float16")
    for parameter, value in zip(steps.parameters, best, strict=True):
        parameter.data.copy_(value)
    check_finite("the trained weights", steps.parameters)
    lesson.mode(training=False)
    return {
        "learning_rate": plan.learning_rate,
        "steps": steps.done,
        "epochs_run": epoch,
        "best_epoch": best_epoch,
        "best_validation_loss": best_loss,
    }


class _Steps(Generic[Batch]):
    """The optimizer and how far it has come."""

    def __init__(self, lesson: TrainingTask[Batch], plan: TrainingPlan) -> None:
        import torch

        self.lesson, self.plan = lesson, plan
        self.parameters = lesson.parameters()
        self.optimizer: optim.Optimizer = torch.optim.AdamW(
            self.parameters, lr=plan.learning_rate, weight_decay=plan.weight_decay, fused=True
        )
        device = self.parameters[0].device.type
        self.scaler = torch.amp.GradScaler(device, enabled=lesson.scaled)
        self.total = plan.epochs * math.ceil(len(lesson.batches(0)) / plan.accumulation)
        self.done = 0
        self.changed = False

    def epoch(self, epoch: int) -> Iterator[dict[str, float]]:
        """Take an epoch's steps; yield values to report now and then, and at its end."""
        batches = self.lesson.batches(epoch)
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

        self._rate()
        documents, mean = sum(map(len, group)), 0.0
        for batch in group:
            loss = self.lesson.loss(batch)
            check_finite(f"the loss of step {self.done + 1}", [loss])
            share = len(batch) / documents  # a short batch, or a short last group, counts as such
            torch.autograd.backward(self.scaler.scale(loss * share))
            mean += loss.item() * share
        self.scaler.unscale_(self.optimizer)
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, self.plan.clip_norm, foreach=True)
        if not self.lesson.scaled:  # the scaler leaves out steps with infinite gradients
            check_finite(f"the gradient of step {self.done + 1}", [norm])
        self._update(taken=bool(norm.isfinite()))
        self.done += 1
        return mean

    def _rate(self) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.plan.rate(self.done, self.total)

    def _update(self, taken: bool) -> None:
        """Change the weights; the first time, see to it that the groups really changed."""
        first = taken and not self.changed
        before = copies(self.lesson.groups) if first else {}
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        if first:
            check_changed(before, self.lesson.groups)
            self.changed = True


def _validate(lesson: TrainingTask[Any], epoch: int) -> float:
    """Return the validation loss after `epoch`."""
    import torch

    lesson.mode(training=False)
    with torch.no_grad():
        loss = float(lesson.validate())
    check_finite(f"the validation loss of epoch {epoch}", [torch.tensor(loss)])
    return loss


def autocast(loaded: LoadedModel) -> AbstractContextManager[Any]:
    """Return the context in which `loaded` computes: mixed precision for a 16-bit dtype."""
    import torch

    dtype = getattr(torch, loaded.facts["dtype"])
    if dtype == torch.float32:
        return nullcontext()
    return torch.autocast(torch.device(loaded.facts["device"]).type, dtype)


def prepare_memory(loaded: LoadedModel, plan: TrainingPlan) -> bool:
    """Switch gradient checkpointing on where the plan wants it, and say whether it is on."""
    wanted = plan.gradient_checkpointing
    if wanted == "auto":
        wanted = loaded.facts["device"] != "cpu" and loaded.facts["total_parameters"] >= 2e9
    if wanted:
        loaded.model.gradient_checkpointing_enable(
            gradient_checkpointing_kwargs={"use_reentrant": False}
        )
    return bool(wanted)

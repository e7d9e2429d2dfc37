"""The budget of a training: the parameters that every method has in common, and their rules."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchbench.contract import Parameter, Params
from benchbench.kit.frozen_layers import frozen_count
from benchbench.kit.model_shape import shape_of
from benchbench.kit.training.activation_memory import LayerTraining, must_recompute
from benchbench.kit.training.micro_batches import CPU_TOKENS, MicroBatches, auto_micro_tokens
from benchbench.kit.typed_parameters import read_parameters

if TYPE_CHECKING:
    from benchbench.contract import LoadedModel

PREDICTION_PARAMETERS = (
    Parameter("document_tokens", int, 256, "tokens kept per document, from its start", minimum=1),
    Parameter("eval_batch_size", int, 32, "documents per prediction batch", minimum=1),
)
"""Those of `TRAINING_PARAMETERS` that a method needs even where it trains nothing."""
TRAINING_PARAMETERS = (
    Parameter("epochs", int, 3, "passes over the training documents", minimum=1),
    Parameter("batch_size", int, 16, "documents per batch", minimum=1),
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
    Parameter("accumulation", int, 1, "batches per step", minimum=1),
    Parameter(
        "micro_tokens",
        int,
        "auto",
        "most tokens computed at once; a batch with more is split, with the same gradient; auto: "
        f"{CPU_TOKENS:,} on a CPU, the whole batch on a GPU, and less where memory runs out",
        words=("auto",),
        minimum=1,
    ),
    Parameter("clip_norm", float, 1.0, "largest norm of the gradient", minimum=1e-6),
    Parameter(
        "patience",
        int,
        2,
        "epochs without a lower validation loss before training stops; 0: it never stops early",
        minimum=0,
    ),
    *PREDICTION_PARAMETERS,
    Parameter(
        "gradient_checkpointing",
        bool,
        "auto",
        "recompute activations to save memory; auto: on a GPU where they would not fit",
        words=("auto",),
    ),
)
"""What every method that trains has in common, so that budgets can be equal."""


UPDATE_BYTES = 12
"""Bytes per trained weight that the first step adds: its gradient and both moments of AdamW."""
RESERVED_BYTES = 700 * 2**20
"""Memory of a GPU that CUDA itself and fragmentation take."""
CHECKPOINTED_FROM = 2e9
"""Where a model's sizes are not known, its activations are recomputed from so many parameters."""


def auto_learning_rate(hidden_size: int) -> float:
    """Return min(2e-3, 2e-4 * 4096 / hidden_size), the rule for every method that trains adapters.

    The anchor is QLoRA's 2e-4 for its 7B model, whose width is 4096 (Dettmers et al., 2023). The
    rate of a matrix scales with 1/width, as in muP (Yang et al., 2022). On two real datasets, the
    rate for SmolLM2-135M (width 576, 1.4e-3) was near the best of 2e-4 to 3e-3 for both LLM
    methods. The cap is measured, too: a model of width 64 learned 77 intents best at 2e-3 and did
    not learn them at 5e-3.

    >>> auto_learning_rate(8192), auto_learning_rate(64)
    (0.0001, 0.002)
    """
    return min(2e-3, 2e-4 * 4096 / hidden_size)


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """The budget of one training: `TRAINING_PARAMETERS` with a number as `learning_rate`."""

    epochs: int
    batch_size: int
    learning_rate: float
    schedule: str
    warmup: float
    weight_decay: float
    accumulation: int
    micro_tokens: int | str
    clip_norm: float
    patience: int
    document_tokens: int
    eval_batch_size: int
    gradient_checkpointing: bool | str

    @classmethod
    def from_params(
        cls, params: Params, hidden_size: int, auto: Callable[[int], float] = auto_learning_rate
    ) -> TrainingPlan:
        """Read `TRAINING_PARAMETERS`; the rate is `auto(hidden_size)` where they say "auto"."""
        if params["learning_rate"] == "auto":
            return read_parameters(cls, params, learning_rate=auto(hidden_size))
        return read_parameters(cls, params)

    def rate(self, step: int, total: int) -> float:
        """Return the learning rate of `step` (from 0) of `total`.

        It rises to its peak over the warm-up, then decays, and is never zero.
        """
        warmup = math.ceil(self.warmup * total)
        if step < warmup:
            return self.learning_rate * (step + 1) / warmup
        done = (step - warmup) / max(1, total - warmup)
        decay = 1 - done if self.schedule == "linear" else (1 + math.cos(math.pi * done)) / 2
        return self.learning_rate * decay

    def micro_batches(self, device: str) -> MicroBatches:
        """Return how batches are cut on a device of this type."""
        wanted = self.micro_tokens
        return MicroBatches(wanted if isinstance(wanted, int) else auto_micro_tokens(device))

    def stopping(self, loss: str) -> str:
        """Say how validation chooses the epoch by this loss, for `TrainingFacts`."""
        if self.patience:
            epochs = "epoch" if self.patience == 1 else "epochs"
            return f"{loss}; ends after {self.patience} {epochs} without a lower one"
        return f"{loss}; the best of all epochs is kept"


def prepare_memory(loaded: LoadedModel, plan: TrainingPlan) -> bool:
    """Switch gradient checkpointing on where the plan asks for it, and say whether it is on."""
    wanted = plan.gradient_checkpointing
    if wanted == "auto":
        wanted = loaded.facts["device"] != "cpu" and _needs_checkpointing(loaded, plan)
    if wanted:
        loaded.model.gradient_checkpointing_enable(
            gradient_checkpointing_kwargs={"use_reentrant": False}
        )
    return bool(wanted)


def _needs_checkpointing(loaded: LoadedModel, plan: TrainingPlan) -> bool:
    """Say whether what a GPU has left is too little for what a step would keep otherwise."""
    import torch

    shape = shape_of(loaded.model.config.to_dict(), loaded.facts.get("kind", "causal-lm"))
    if shape is None:
        return bool(loaded.facts["total_parameters"] >= CHECKPOINTED_FROM)
    adapter = getattr(loaded.model, "benchbench_adapter", None)
    if adapter:  # layers below the adapters keep nothing
        frozen = frozen_count(loaded.model, adapter.adapter_layers)
        shape = replace(shape, layers=shape.layers - frozen)
    trained = [p for p in loaded.model.parameters() if p.requires_grad]
    training = LayerTraining(
        size=getattr(torch, loaded.facts["dtype"]).itemsize,
        rank=adapter.rank if adapter else 0,
        fused=not loaded.facts["int8_modules"],
        dora=adapter is not None and adapter.adapter == "dora",
    )
    tokens = plan.batch_size * plan.document_tokens
    if isinstance(plan.micro_tokens, int):
        tokens = min(tokens, plan.micro_tokens)
    free = _free_bytes(loaded.facts["device"]) - sum(p.numel() for p in trained) * UPDATE_BYTES
    return must_recompute(shape, training, tokens, free - RESERVED_BYTES)


def _free_bytes(device: str) -> int:
    """Return what is left of a GPU, with what PyTorch holds there and does not use."""
    import torch

    free, _ = torch.cuda.mem_get_info(device)
    return int(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))

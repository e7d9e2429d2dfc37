"""An encoder of the BERT family, fine-tuned whole with a classification head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchbench import (
    Amount,
    BenchbenchError,
    BoundBackbone,
    Kind,
    LabelSpace,
    LoadedModel,
    Parameter,
    Params,
    Task,
    Workload,
)
from benchbench.kit.artifacts import load_labels, load_tensors, save_tensors
from benchbench.kit.pooling import pooling_parameter
from benchbench.kit.seeding import seed_everything
from benchbench.kit.training import TRAINING_PARAMETERS, TrainingPlan, prepare_memory, train
from benchbench_finetune.backbone_guard import load_backbone
from benchbench_finetune.head import (
    HEAD_PARAMETERS,
    HeadClassifier,
    HeadSettings,
    assemble,
    training_task,
)
from benchbench_finetune.workloads import encoder_workload

POOLING = pooling_parameter("first", without=("last",))
"""Not the last token: it is [SEP], which pretraining gives no meaning of its own."""
HIGHEST_RATE = 1e-3


def auto_learning_rate(hidden_size: int) -> float:
    """Return min(1e-3, 5e-5 * 768 / hidden_size), the rule where every weight is trained.

    5e-5 is the highest of the rates that Devlin et al. (2019) recommend for BERT-base, whose
    width is 768. The rate of a matrix scales with 1/width, as in muP (Yang et al., 2022).
    """
    return min(HIGHEST_RATE, 5e-5 * 768 / hidden_size)


def _training_parameters() -> tuple[Parameter, ...]:
    """Return the common training parameters, with this method's rule for an auto rate."""
    rate = "peak rate of AdamW; auto: 5e-5 at width 768, scaled with 1/width, at most 1e-3"
    return tuple(
        Parameter("learning_rate", float, "auto", rate, ("auto",), minimum=1e-7, maximum=1.0)
        if parameter.name == "learning_rate"
        else parameter
        for parameter in TRAINING_PARAMETERS
    )


class Encoder:
    """Train every weight of an encoder, in float32, and a head on its pooled hidden states."""

    name = "encoder"
    description = "an encoder such as BERT, fine-tuned whole with a classification head"
    parameters = (*_training_parameters(), POOLING, *HEAD_PARAMETERS)
    kinds: tuple[Kind, ...] = ("single-label", "multi-label")
    backbone_kinds = ("encoder",)
    seeded = True

    def workload(self, params: Params, amount: Amount) -> Workload:
        """Return how much work the method makes of so much data."""
        return encoder_workload(params, amount)

    def fit(self, task: Task) -> HeadClassifier:
        """Train on `task.train` and keep the epoch with the lowest validation loss."""
        loaded = load_backbone(self.name, task.backbone)
        seed_everything(task.seed)
        width = loaded.facts["hidden_size"]
        plan = TrainingPlan.from_params(task.params, width, auto_learning_rate)
        checkpointed = prepare_memory(loaded, plan)
        classifier = _assemble(loaded, task.labels, HeadSettings.of(task))
        weights = [weight for weight in loaded.model.parameters() if weight.requires_grad]
        training, facts = training_task(classifier, task, plan, {"encoder": weights})
        outcome = train(training, plan, task.report, task.seed)
        classifier.facts.update(facts, **outcome, gradient_checkpointing=checkpointed)
        return classifier

    def load(self, folder: Path, backbone: BoundBackbone | None) -> HeadClassifier:
        """Return the classifier that `save` wrote; raise GuardError where a file is damaged."""
        loaded = load_backbone(self.name, backbone)
        classifier = _assemble(loaded, load_labels(folder), HeadSettings.saved_in(folder))
        for name, module in (("encoder", loaded.model), ("head", classifier.head)):
            module.load_state_dict(load_tensors(folder, name, module.state_dict()))
        return classifier


def _assemble(loaded: LoadedModel, labels: LabelSpace, settings: HeadSettings) -> HeadClassifier:
    """Put a fresh head on the encoder, whose weights become float32: its steps are small."""
    if loaded.facts["four_bit_modules"] or loaded.facts["int8_modules"]:
        raise BenchbenchError(
            "encoder trains every weight, and quantised weights cannot be trained: leave the "
            "backbone's quantization at none"
        )
    loaded.model.float().requires_grad_(True)
    classifier = assemble(loaded, labels, settings, _save_encoder)
    total = loaded.facts["total_parameters"] + sum(p.numel() for p in classifier.head.parameters())
    classifier.facts.update(trainable_parameters=total, total_parameters=total)
    return classifier


def _save_encoder(model: Any, folder: Path) -> None:
    save_tensors(folder, "encoder", model.state_dict())

"""A classification head on the pooled final hidden states of a causal LM with adapters."""

from __future__ import annotations

from pathlib import Path

from benchbench import Amount, BoundBackbone, Kind, LabelSpace, LoadedModel, Params, Task, Workload
from benchbench.kit.artifacts import load_labels, load_tensors
from benchbench.kit.pooling import pooling_parameter
from benchbench.kit.seeding import seed_everything
from benchbench.kit.training import (
    LORA_PARAMETERS,
    TRAINING_PARAMETERS,
    TrainingPlan,
    adapter_groups,
    adapter_tensors,
    attach,
    frozen_states_known,
    load_adapter,
    prepare_memory,
    save_adapter,
    train,
    trainable_parameters,
)
from benchbench_finetune.backbone_guard import base_guard, load_backbone
from benchbench_finetune.head import (
    HEAD_PARAMETERS,
    HeadClassifier,
    HeadSettings,
    assemble,
    training_task,
)
from benchbench_finetune.workloads import head_workload

POOLING = pooling_parameter("last", without=("first",))
"""Not the first token: in a causal LM it sees no other."""


class EmbeddingHead:
    """Train adapters and a float32 head on the document's pooled final hidden states."""

    name = "embedding-head"
    description = "LoRA adapters and a classification head on the pooled embedding"
    parameters = (*LORA_PARAMETERS, *TRAINING_PARAMETERS, POOLING, *HEAD_PARAMETERS)
    kinds: tuple[Kind, ...] = ("single-label", "multi-label")
    backbone_kinds = ("causal-lm",)
    seeded = True

    def workload(self, params: Params, amount: Amount) -> Workload:
        """Return how much work the method makes of so much data."""
        return head_workload(params, amount)

    def fit(self, task: Task) -> HeadClassifier:
        """Train on `task.train` and keep the epoch with the lowest validation loss."""
        loaded = load_backbone(self.name, task.backbone)
        seed_everything(task.seed)
        plan = TrainingPlan.from_params(task.params, loaded.facts["hidden_size"])
        attach(loaded.model, task.params, task.seed)
        checkpointed = prepare_memory(loaded, plan)
        classifier = _assemble(loaded, task.labels, HeadSettings.of(task))
        training, facts = training_task(classifier, task, plan, adapter_groups(loaded.model))
        facts["guards"] |= base_guard(loaded)
        with frozen_states_known(loaded, training.rows, plan.eval_batch_size) as frozen:
            outcome = train(training, plan, task.report, task.seed)
        classifier.facts.update(facts, **outcome, **frozen, gradient_checkpointing=checkpointed)
        return classifier

    def load(self, folder: Path, backbone: BoundBackbone | None) -> HeadClassifier:
        """Return the classifier that `save` wrote; raise GuardError where a file is damaged."""
        loaded = load_backbone(self.name, backbone)
        load_adapter(loaded.model, folder)
        classifier = _assemble(loaded, load_labels(folder), HeadSettings.saved_in(folder))
        expected = classifier.head.state_dict()
        classifier.head.load_state_dict(load_tensors(folder, "head", expected))
        return classifier


def _assemble(loaded: LoadedModel, labels: LabelSpace, settings: HeadSettings) -> HeadClassifier:
    """Put a fresh head on a model that has its adapters."""
    classifier = assemble(loaded, labels, settings, save_adapter)
    head = classifier.head
    added = (*adapter_tensors(loaded.model).values(), *head.parameters())
    classifier.facts["trainable_parameters"] = trainable_parameters(loaded.model, head)
    classifier.facts["total_parameters"] = loaded.facts["total_parameters"] + sum(
        parameter.numel() for parameter in added
    )
    return classifier

"""Zero-shot: the prompts and the exact scores of instruction tuning, and nothing is trained."""

from __future__ import annotations

from pathlib import Path

from benchbench import Amount, BoundBackbone, Kind, Params, Task, TrainingFacts, Workload
from benchbench.kit.training import PREDICTION_PARAMETERS
from benchbench_finetune.backbone_guard import load_backbone
from benchbench_finetune.prompted_classifier import (
    ANSWER_PARAMETERS,
    PromptedClassifier,
    gold_labels,
    load_prompted,
    prompt_model,
)
from benchbench_finetune.workloads import prompted_workload


class ZeroShot:
    """Prompt the backbone as it comes.

    Nothing is drawn, so the seed decides nothing. Only the number of labels per training document
    counts, for max_listed=auto.
    """

    name = "zero-shot"
    description = "the backbone as it comes, prompted in words; every label scored exactly"
    parameters = (*PREDICTION_PARAMETERS, *ANSWER_PARAMETERS)
    kinds: tuple[Kind, ...] = ("single-label", "multi-label")
    backbone_kinds = ("causal-lm",)
    seeded = False

    def workload(self, params: Params, amount: Amount) -> Workload:
        """Return how much work the method makes of so much data."""
        return prompted_workload(params, amount)

    def fit(self, task: Task) -> PromptedClassifier:
        """Bring the backbone into memory and settle how it is prompted."""
        loaded = load_backbone(self.name, task.backbone)
        classifier = prompt_model(task, loaded, gold_labels(task.train, len(task.labels)))
        prompts, truncated = classifier.encode(task.train["text"])
        classifier.facts["truncated_share"] = truncated / len(prompts)
        classifier.facts["training"] = TrainingFacts("nothing").to_json()
        return classifier

    def load(self, folder: Path, backbone: BoundBackbone | None) -> PromptedClassifier:
        """Return the classifier that `save` wrote; raise GuardError where a file is damaged."""
        return load_prompted(folder, load_backbone(self.name, backbone))

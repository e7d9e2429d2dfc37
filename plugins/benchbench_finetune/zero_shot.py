"""Zero-shot: the same prompts and the same exact scores, and nothing is trained."""

from __future__ import annotations

from pathlib import Path

from benchbench import Amount, BoundBackbone, Kind, Params, Task, Workload
from benchbench.kit.training import TRAINING_PARAMETERS
from benchbench_finetune.backbone_guard import load_backbone
from benchbench_finetune.prompted_classifier import (
    ANSWER_PARAMETERS,
    KEPT,
    PromptedClassifier,
    ask,
    gold_labels,
    load_prompted,
)
from benchbench_finetune.workloads import prompted_workload


class ZeroShot:
    """Ask the backbone as it comes.

    Nothing is drawn, so the seed decides nothing. Of the training documents only the number of
    their labels counts (max_listed=auto).
    """

    name = "zero-shot"
    description = "the backbone as it comes, asked in words; every label scored exactly"
    parameters = (
        *(parameter for parameter in TRAINING_PARAMETERS if parameter.name in KEPT),
        *ANSWER_PARAMETERS,
    )
    kinds: tuple[Kind, ...] = ("single-label", "multi-label")
    backbone_kinds = ("causal-lm",)
    seeded = False

    def workload(self, params: Params, amount: Amount) -> Workload:
        """Return how much work it makes of so much data."""
        return prompted_workload(params, amount)

    def fit(self, task: Task) -> PromptedClassifier:
        """Bring the backbone into memory and settle how it is asked."""
        loaded = load_backbone(self.name, task.backbone)
        classifier = ask(task, loaded, gold_labels(task.train, len(task.labels)))
        prompts, truncated = classifier.encode(task.train["text"])
        classifier.facts["truncated_share"] = truncated / len(prompts)
        return classifier

    def load(self, folder: Path, backbone: BoundBackbone | None) -> PromptedClassifier:
        """Return the classifier that `save` wrote; raise GuardError where a file is not whole."""
        return load_prompted(folder, load_backbone(self.name, backbone))

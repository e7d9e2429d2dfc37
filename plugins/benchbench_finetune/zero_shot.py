"""Zero-shot: the same prompts and the same exact scores, and nothing is trained."""

from __future__ import annotations

from pathlib import Path

from benchbench import Amount, BoundBackbone, Kind, Params, Task, Workload
from benchbench.kit.training.loop import TRAINING_PARAMETERS
from benchbench_finetune.asking import (
    ANSWER_PARAMETERS,
    KEPT,
    AskedClassifier,
    ask,
    golds_of,
    load_asked,
)
from benchbench_finetune.needed import load_backbone
from benchbench_finetune.work import asked_work


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
        return asked_work(params, amount)

    def fit(self, task: Task) -> AskedClassifier:
        """Bring the backbone into memory and settle how it is asked."""
        loaded = load_backbone(self.name, task.backbone)
        classifier = ask(task, loaded, golds_of(task.train, len(task.labels)))
        prompts, truncated = classifier.encode(task.train["text"])
        classifier.facts["truncated_share"] = truncated / len(prompts)
        return classifier

    def load(self, folder: Path, backbone: BoundBackbone | None) -> AskedClassifier:
        """Return the classifier that `save` wrote; raise GuardError where a file is not whole."""
        return load_asked(folder, load_backbone(self.name, backbone))

"""A classification head on documents' vectors, and how it is trained with what lies below it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench import BenchbenchError, LabelSpace, LoadedModel, Parameter, Task
from benchbench.kit.artifacts import save_labels, save_settings, save_tensors
from benchbench.kit.batching import (
    batches_digest,
    length_bucketed_batches,
    pad,
    prediction_batches,
)
from benchbench.kit.guards import check_finite, check_head
from benchbench.kit.pooling import last_token
from benchbench.kit.training import PASSED, TrainingPlan, TrainingTask
from benchbench_finetune.embedder import DocumentEmbedder
from benchbench_finetune.objective import Objective, label_weights

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

HEAD = Parameter("head", str, "linear", "what stands on the vector", choices=("linear", "mlp"))
CLASS_WEIGHTS = Parameter(
    "class_weights",
    str,
    "none",
    "balanced: rare labels weigh more in the loss",
    choices=("none", "balanced"),
)
SETTINGS = ("pooling", "head", "document_tokens", "eval_batch_size")
"""The parameters that decide what a fitted head answers."""


@dataclass(frozen=True, slots=True)
class HeadClassifier:
    """The fitted head on its embedder. Softmax or sigmoid of its logits are probabilities.

    `keep` writes what was trained of the model below the head into a folder.
    """

    embedder: DocumentEmbedder
    head: nn.Sequential
    labels: LabelSpace
    settings: dict[str, Any]
    keep: Callable[[Any, Path], None]
    facts: dict[str, Any] = field(default_factory=dict)
    hard: bool = False

    def predict_logits(self, texts: Sequence[str]) -> np.ndarray:
        """Return float32 [texts, labels], in the order of `texts`."""
        return self.logits(self.embedder.tokenize(texts)[0]).numpy()

    def logits(self, documents: Sequence[Sequence[int]]) -> Tensor:
        """Return float32 [documents, labels] on the CPU; raise Diverged where not finite."""
        import torch

        logits = torch.empty(len(documents), len(self.labels))
        lengths = [len(document) for document in documents]
        self.embedder.loaded.model.eval()
        with torch.no_grad():
            for rows in prediction_batches(lengths, self.settings["eval_batch_size"]):
                vectors = self.embedder.embed([documents[row] for row in rows])
                logits[rows] = self.head(vectors).float().cpu()
        check_finite("the logits", [logits])
        return logits

    def save(self, folder: Path) -> None:
        """Write what was trained, head, labels and settings."""
        self.keep(self.embedder.loaded.model, folder)
        save_tensors(folder, "head", self.head.state_dict())
        save_labels(folder, self.labels)
        save_settings(folder, self.settings)


def build_head(kind: str, width: int, n_labels: int) -> nn.Sequential:
    """Return a float32 head from [batch, width] to [batch, n_labels]: "linear" or "mlp"."""
    from torch import nn

    hidden = [nn.Linear(width, width), nn.GELU()] if kind == "mlp" else []
    return nn.Sequential(*hidden, nn.Linear(width, n_labels))


def assemble(
    loaded: LoadedModel,
    labels: LabelSpace,
    settings: dict[str, Any],
    keep: Callable[[Any, Path], None],
) -> HeadClassifier:
    """Put a fresh head on a model."""
    embedder = DocumentEmbedder(loaded, settings["pooling"], settings["document_tokens"])
    head = build_head(settings["head"], loaded.facts["hidden_size"], len(labels))
    check_head(head)
    head.to(loaded.facts["device"])
    facts = {
        "four_bit_modules": loaded.facts["four_bit_modules"],
        "pad_source": loaded.facts["pad_source"],
    }
    return HeadClassifier(embedder, head, labels, settings, keep, facts)


def training_task(
    classifier: HeadClassifier,
    task: Task,
    plan: TrainingPlan,
    groups: Mapping[str, Sequence[nn.Parameter]],
) -> tuple[TrainingTask[list[int]], dict[str, Any]]:
    """Return what `train` needs, and facts about the documents.

    `groups` are trained beside the head and must change, as `TrainingTask` has it.
    """
    embedder, head, labels = classifier.embedder, classifier.head, task.labels
    how = str(task.params["class_weights"])
    weights = label_weights(task.kind, task.train, len(labels), how)
    weights = weights.to(embedder.loaded.facts["device"])
    documents, truncated = embedder.tokenize(task.train["text"])
    objective = Objective.build(task.kind, task.train, len(labels), weights)
    start_from_frequencies(head, objective)
    lengths = [len(document) for document in documents]

    def batches(epoch: int) -> list[list[int]]:
        return length_bucketed_batches(lengths, plan.batch_size, task.seed, epoch)

    def loss(rows: list[int]) -> Tensor:
        return objective.loss(head(embedder.embed([documents[row] for row in rows])), rows)

    training = TrainingTask(
        modules=(embedder.loaded.model, head),
        groups={"head": list(head.parameters()), **groups},
        batches=batches,
        loss=loss,
        validate=_validation(classifier, task, weights),
        scaled=embedder.loaded.facts["dtype"] == "float16",
    )
    first = batches(0)
    mask = pad([documents[row] for row in first[0]], 0, embedder.side)[1]
    return training, {
        "truncated_share": sum(truncated) / len(truncated),
        "batches_digest": batches_digest(first),
        "pooled_index": last_token(mask).tolist() if embedder.pooling == "last" else None,
        "guards": PASSED | {"the head is in float32 and not quantised": "passed"},
    }


def start_from_frequencies(head: nn.Sequential, objective: Objective) -> None:
    """Set the last bias to the training labels' log-odds, or their classes' log-frequencies.

    Else the first steps teach a rare label's absence alone, the same to every document, and what
    lies below the head is bent to it (Lin et al., 2017, section 4.1).
    """
    import torch

    with torch.no_grad():
        head[-1].bias.copy_(objective.prior())  # type: ignore[operator, union-attr]


def _validation(classifier: HeadClassifier, task: Task, weights: Tensor) -> Callable[[], float]:
    """Return the validation loss as a function of nothing.

    A single-label document whose label training never saw has no target, hence no loss.
    """
    split, n_labels = task.validation, len(task.labels)
    if task.kind == "single-label":
        known = [row for row, labels in enumerate(split["labels"]) if labels[0] < n_labels]
        split = split.select(known)
    if not len(split):
        raise BenchbenchError(
            "no validation document has a label that occurs in training: there is nothing to "
            "stop by; give a larger validation split"
        )
    documents, _ = classifier.embedder.tokenize(split["text"])
    objective = Objective.build(task.kind, split, n_labels, weights.cpu())
    return lambda: float(objective.loss(classifier.logits(documents), range(len(documents))))

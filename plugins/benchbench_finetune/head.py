"""A classification head on documents' vectors, and how it is trained with the model below it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench import (
    BenchbenchError,
    Exported,
    ExportTarget,
    Kind,
    LabelSpace,
    LoadedModel,
    Parameter,
    Task,
    TrainingFacts,
)
from benchbench.kit.artifacts import load_settings, save_labels, save_settings, save_tensors
from benchbench.kit.batching import (
    batches_digest,
    length_bucketed_batches,
    pad,
    prediction_batches,
)
from benchbench.kit.guards import check_finite, check_head
from benchbench.kit.pooling import last_token
from benchbench.kit.training import (
    PASSED,
    MicroBatches,
    TrainingPlan,
    TrainingRows,
    TrainingTask,
)
from benchbench.kit.typed_parameters import read_parameters
from benchbench_finetune.embedder import DocumentEmbedder
from benchbench_finetune.head_export import export_encoder, export_head
from benchbench_finetune.objective import Objective, label_weights

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

HEAD_PARAMETERS = (
    Parameter("head", str, "linear", "what stands on the vector", choices=("linear", "mlp")),
    Parameter(
        "class_weights",
        str,
        "none",
        "balanced: rare labels weigh more in the loss",
        choices=("none", "balanced"),
    ),
)

LOSSES: Mapping[Kind, str] = {
    "single-label": "cross-entropy over the labels",
    "multi-label": "binary cross-entropy of every label",
}


@dataclass(frozen=True, slots=True)
class HeadSettings:
    """How a head is built and trained; saved with it."""

    kind: Kind
    pooling: str
    head: str
    class_weights: str
    document_tokens: int
    eval_batch_size: int

    @classmethod
    def of(cls, task: Task) -> HeadSettings:
        """Read the parameters of a task."""
        return read_parameters(cls, task.params, kind=task.kind)

    @classmethod
    def saved_in(cls, folder: Path) -> HeadSettings:
        """Read what `HeadClassifier.save` wrote."""
        return read_parameters(cls, load_settings(folder))


@dataclass(frozen=True, slots=True)
class HeadClassifier:
    """A fitted head on its embedder; softmax or sigmoid of its logits are the probabilities.

    `save_model` writes what was trained of the model below the head into a folder.
    """

    embedder: DocumentEmbedder
    head: nn.Sequential
    labels: LabelSpace
    settings: HeadSettings
    save_model: Callable[[Any, Path], None]
    facts: dict[str, Any] = field(default_factory=dict)
    hard: bool = False

    def predict_logits(self, texts: Sequence[str]) -> np.ndarray:
        """Return float32 [texts, labels], in the order of `texts`."""
        return self.logits(self.embedder.tokenize(texts)[0]).numpy()

    def logits(self, documents: Sequence[Sequence[int]]) -> Tensor:
        """Return float32 [documents, labels] on the CPU; raise Diverged where not finite."""
        import torch

        def compute(rows: Sequence[int]) -> Tensor:
            vectors = self.embedder.embed([documents[row] for row in rows])
            computed: Tensor = self.head(vectors).float().cpu()
            return computed

        logits = torch.empty(len(documents), len(self.labels))
        lengths = [len(document) for document in documents]
        micro = MicroBatches()  # smaller where memory runs out
        self.embedder.loaded.model.eval()
        with torch.no_grad():
            for rows in prediction_batches(lengths, self.settings.eval_batch_size):
                for part, computed in micro.computed(rows, lengths, compute):
                    logits[part] = computed
        check_finite("the logits", [logits])
        return logits

    def save(self, folder: Path) -> None:
        """Write what was trained, the head, the labels and the settings."""
        self.save_model(self.embedder.loaded.model, folder)
        save_tensors(folder, "head", self.head.state_dict())
        save_labels(folder, self.labels)
        save_settings(folder, asdict(self.settings))

    def export(self, target: ExportTarget) -> Exported:
        """Write what works without benchbench; raise BenchbenchError."""
        head = self.head.state_dict()
        if self.embedder.causal:
            return export_head(self.embedder, head, self.labels, target)
        return export_encoder(self.embedder, head, self.labels, self.settings.kind, target)


def build_head(kind: str, width: int, n_labels: int) -> nn.Sequential:
    """Return a float32 head from [batch, width] to [batch, n_labels]: "linear" or "mlp"."""
    from torch import nn

    hidden = [nn.Linear(width, width), nn.GELU()] if kind == "mlp" else []
    return nn.Sequential(*hidden, nn.Linear(width, n_labels))


def assemble(
    loaded: LoadedModel,
    labels: LabelSpace,
    settings: HeadSettings,
    save_model: Callable[[Any, Path], None],
) -> HeadClassifier:
    """Put a fresh head on a model; raise GuardError where it is quantised or not float32."""
    embedder = DocumentEmbedder(loaded, settings.pooling, settings.document_tokens)
    head = build_head(settings.head, loaded.facts["hidden_size"], len(labels))
    check_head(head)
    head.to(loaded.facts["device"])
    facts = {
        "four_bit_modules": loaded.facts["four_bit_modules"],
        "pad_source": loaded.facts["pad_source"],
    }
    return HeadClassifier(embedder, head, labels, settings, save_model, facts)


def training_task(
    classifier: HeadClassifier,
    task: Task,
    plan: TrainingPlan,
    groups: Mapping[str, Sequence[nn.Parameter]],
) -> tuple[TrainingTask[list[int]], dict[str, Any]]:
    """Return what `train` needs, and facts about the documents.

    `groups` are parameters that are trained beside the head, as in `TrainingTask`.
    """
    embedder, head, n_labels = classifier.embedder, classifier.head, len(task.labels)
    weights = label_weights(task.kind, task.train, n_labels, classifier.settings.class_weights)
    documents, truncated = embedder.tokenize(task.train["text"])
    there = weights.to(embedder.loaded.facts["device"])
    objective = Objective.build(task.kind, task.train, n_labels, there)
    start_from_frequencies(head, objective)
    lengths = [len(document) for document in documents]

    def batches(epoch: int) -> list[list[int]]:
        return length_bucketed_batches(lengths, plan.batch_size, task.seed, epoch)

    def loss(rows: list[int]) -> Tensor:
        return objective.loss(head(embedder.embed([documents[row] for row in rows])), rows)

    validate, validated = _validation(classifier, task, weights)

    training = TrainingTask(
        modules=(embedder.loaded.model, head),
        groups={"head": list(head.parameters()), **groups},
        batches=batches,
        loss=loss,
        lengths=lambda rows: [lengths[row] for row in rows],
        validate=validate,
        scaled=embedder.loaded.facts["dtype"] == "float16",
        rows=lambda: TrainingRows([*documents, *validated]),
    )
    return training, {
        "training": _training_facts(classifier.settings, plan).to_json(),
        "truncated_share": sum(truncated) / len(truncated),
        **_first_batch(embedder, documents, batches(0)),
        "guards": PASSED | {"the head is in float32 and not quantised": "passed"},
    }


def _training_facts(settings: HeadSettings, plan: TrainingPlan) -> TrainingFacts:
    loss = LOSSES[settings.kind]
    weights = settings.class_weights
    return TrainingFacts(loss, plan.stopping(loss), "no" if weights == "none" else weights)


def _first_batch(
    embedder: DocumentEmbedder, documents: Sequence[list[int]], batches: Sequence[list[int]]
) -> dict[str, Any]:
    """Return facts that show which documents came first, and which positions were pooled."""
    mask = pad([documents[row] for row in batches[0]], 0, embedder.side)[1]
    return {
        "batches_digest": batches_digest(batches),
        "pooled_index": last_token(mask).tolist() if embedder.pooling == "last" else None,
    }


def start_from_frequencies(head: nn.Sequential, objective: Objective) -> None:
    """Set the last bias to the training labels' log-odds, or their classes' log-frequencies.

    Otherwise the first steps teach only how rare each label is, which is the same for every
    document, and they bend the model below the head to it (Lin et al., 2017, section 4.1).
    """
    import torch

    with torch.no_grad():
        head[-1].bias.copy_(objective.prior())  # type: ignore[operator, union-attr]


def _validation(
    classifier: HeadClassifier, task: Task, weights: Tensor
) -> tuple[Callable[[], float], list[list[int]]]:
    """Return the validation loss as a function without arguments, and the documents it reads.

    A single-label document whose label does not occur in training has no target, so no loss.
    """
    split, n_labels = task.validation, len(task.labels)
    if task.kind == "single-label":
        known = [row for row, labels in enumerate(split["labels"]) if labels[0] < n_labels]
        split = split.select(known)
    if not len(split):
        raise BenchbenchError(
            "no validation document has a label that occurs in training, so training cannot tell "
            "when to stop: give a larger validation split"
        )
    documents, _ = classifier.embedder.tokenize(split["text"])
    objective = Objective.build(task.kind, split, n_labels, weights)

    def validate() -> float:
        return float(objective.loss(classifier.logits(documents), range(len(documents))))

    return validate, documents

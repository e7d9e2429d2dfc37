"""A classification head on the pooled final hidden state of a causal LM with LoRA adapters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench import (
    BenchbenchError,
    BoundBackbone,
    Kind,
    LabelSpace,
    LoadedModel,
    Parameter,
    Task,
)
from benchbench.kit.artifacts import (
    load_labels,
    load_settings,
    load_tensors,
    save_labels,
    save_settings,
    save_tensors,
)
from benchbench.kit.batching import (
    batches_digest,
    length_bucketed_batches,
    pad,
    prediction_batches,
)
from benchbench.kit.guards import check_finite, check_head
from benchbench.kit.lora import (
    LORA_PARAMETERS,
    adapter_outputs,
    adapter_tensors,
    attach,
    load_adapter,
    save_adapter,
    trainable_parameters,
)
from benchbench.kit.pooling import last_token
from benchbench.kit.seeding import seed_everything
from benchbench.kit.training import (
    PASSED,
    TRAINING_PARAMETERS,
    Lesson,
    TrainingPlan,
    prepare_memory,
    train,
)
from benchbench_finetune.embedder import DocumentEmbedder
from benchbench_finetune.objective import Objective, label_weights

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

HEAD_PARAMETERS = (
    Parameter(
        "pooling",
        str,
        "last",
        "which final hidden states make the document's vector",
        choices=("last", "mean", "max"),
    ),
    Parameter("head", str, "linear", "what stands on the vector", choices=("linear", "mlp")),
    Parameter(
        "class_weights",
        str,
        "none",
        "balanced: rare labels weigh more in the loss",
        choices=("none", "balanced"),
    ),
)


@dataclass(frozen=True, slots=True)
class EmbeddingClassifier:
    """The fitted head on its embedder. Softmax or sigmoid of its logits are probabilities."""

    embedder: DocumentEmbedder
    head: nn.Sequential
    labels: LabelSpace
    settings: dict[str, Any]
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
        """Write adapter, head, labels and settings."""
        save_adapter(self.embedder.loaded.model, folder)
        save_tensors(folder, "head", self.head.state_dict())
        save_labels(folder, self.labels)
        save_settings(folder, self.settings)


class EmbeddingHead:
    """Train LoRA adapters and a float32 head on the document's pooled final hidden state."""

    name = "embedding-head"
    description = "LoRA and a classification head on the final token's (or pooled) embedding"
    parameters = (*LORA_PARAMETERS, *TRAINING_PARAMETERS, *HEAD_PARAMETERS)
    kinds: tuple[Kind, ...] = ("single-label", "multi-label")
    backbone_kinds = ("causal-lm",)
    seeded = True

    def fit(self, task: Task) -> EmbeddingClassifier:
        """Train on `task.train`; the epoch with the lowest validation loss counts."""
        loaded = _load(task.backbone)
        seed_everything(task.seed)
        settings = {name: task.params[name] for name in _SETTINGS} | {"kind": task.kind}
        plan = TrainingPlan.from_params(task.params, loaded.facts["hidden_size"])
        attach(loaded.model, task.params, task.seed)
        checkpointed = prepare_memory(loaded, plan)
        classifier = _assemble(loaded, task.labels, settings)
        lesson, learned = _lesson(classifier, task, plan)
        outcome = train(lesson, plan, task.report, task.seed)
        classifier.facts.update(learned, **outcome, gradient_checkpointing=checkpointed)
        return classifier

    def load(self, folder: Path, backbone: BoundBackbone | None) -> EmbeddingClassifier:
        """Return the classifier that `save` wrote; raise GuardError where a file is not whole."""
        loaded = _load(backbone)
        load_adapter(loaded.model, folder)
        classifier = _assemble(loaded, load_labels(folder), load_settings(folder))
        expected = classifier.head.state_dict()
        classifier.head.load_state_dict(load_tensors(folder, "head", expected))
        return classifier


_SETTINGS = ("pooling", "head", "document_tokens", "eval_batch_size")


def _load(backbone: BoundBackbone | None) -> LoadedModel:
    if backbone is None:
        raise BenchbenchError("embedding-head needs a backbone: name one with --backbone")
    return backbone.load()


def build_head(kind: str, width: int, n_labels: int) -> nn.Sequential:
    """Return a float32 head from [batch, width] to [batch, n_labels]: "linear" or "mlp"."""
    from torch import nn

    hidden = [nn.Linear(width, width), nn.GELU()] if kind == "mlp" else []
    return nn.Sequential(*hidden, nn.Linear(width, n_labels))


def _assemble(
    loaded: LoadedModel, labels: LabelSpace, settings: dict[str, Any]
) -> EmbeddingClassifier:
    """Put a fresh head on a model that has its adapters."""
    embedder = DocumentEmbedder(loaded, settings["pooling"], settings["document_tokens"])
    head = build_head(settings["head"], loaded.facts["hidden_size"], len(labels))
    check_head(head)
    head.to(loaded.facts["device"])
    added = (*adapter_tensors(loaded.model).values(), *head.parameters())
    facts = {
        "trainable_parameters": trainable_parameters(loaded.model, head),
        "total_parameters": loaded.facts["total_parameters"] + sum(p.numel() for p in added),
        "four_bit_modules": loaded.facts["four_bit_modules"],
        "pad_source": loaded.facts["pad_source"],
    }
    return EmbeddingClassifier(embedder, head, labels, settings, facts)


def _lesson(
    classifier: EmbeddingClassifier, task: Task, plan: TrainingPlan
) -> tuple[Lesson[list[int]], dict[str, Any]]:
    """Return what `train` needs, and facts about the documents."""
    embedder, head, labels = classifier.embedder, classifier.head, task.labels
    how = str(task.params["class_weights"])
    weights = label_weights(task.kind, task.train, len(labels), how)
    weights = weights.to(embedder.loaded.facts["device"])
    documents, truncated = embedder.tokenize(task.train["text"])
    objective = Objective.build(task.kind, task.train, len(labels), weights)
    lengths = [len(document) for document in documents]

    def batches(epoch: int) -> list[list[int]]:
        return length_bucketed_batches(lengths, plan.batch_size, task.seed, epoch)

    def loss(rows: list[int]) -> Tensor:
        return objective.loss(head(embedder.embed([documents[row] for row in rows])), rows)

    lesson = Lesson(
        modules=(embedder.loaded.model, head),
        groups={"head": list(head.parameters()), "adapter": adapter_outputs(embedder.loaded.model)},
        batches=batches,
        loss=loss,
        validate=_validation(classifier, task, weights),
        scaled=embedder.loaded.facts["dtype"] == "float16",
    )
    first = batches(0)
    mask = pad([documents[row] for row in first[0]], 0, embedder.side)[1]
    return lesson, {
        "truncated_share": sum(truncated) / len(truncated),
        "batches_digest": batches_digest(first),
        "pooled_index": last_token(mask).tolist() if embedder.pooling == "last" else None,
        "guards": PASSED | _guards(embedder.loaded),
    }


def _validation(
    classifier: EmbeddingClassifier, task: Task, weights: Tensor
) -> Callable[[], float]:
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


def _guards(loaded: LoadedModel) -> dict[str, str]:
    """Name what loading and assembling have checked."""
    quantised = loaded.facts["four_bit_modules"] or loaded.facts["int8_modules"]
    return {
        "the head is in float32 and not quantised": "passed",
        "the base is really quantised": "passed" if quantised else "not applicable",
    }

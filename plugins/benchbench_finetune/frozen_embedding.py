"""Logistic regression on the pooled hidden states of a model that is not trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench import (
    Amount,
    BoundBackbone,
    Exported,
    ExportTarget,
    Kind,
    LabelSpace,
    LoadedModel,
    Parameter,
    Params,
    Task,
    TrainingFacts,
    Workload,
)
from benchbench.kit.artifacts import (
    load_labels,
    load_settings,
    load_tensors,
    save_labels,
    save_settings,
    save_tensors,
)
from benchbench.kit.batching import prediction_batches
from benchbench.kit.guards import check_finite
from benchbench.kit.pooling import pooling_parameter
from benchbench.kit.seeding import seed_everything
from benchbench.kit.training import PREDICTION_PARAMETERS
from benchbench.kit.typed_parameters import read_parameters
from benchbench_finetune.backbone_guard import base_guard, load_backbone
from benchbench_finetune.embedder import DocumentEmbedder
from benchbench_finetune.features import cached_features
from benchbench_finetune.head_export import export_head
from benchbench_finetune.logistic_regression import Hyperplanes, fit_hyperplanes, validation_loss
from benchbench_finetune.workloads import frozen_workload

if TYPE_CHECKING:
    import numpy as np

LOSSES: Mapping[Kind, str] = {
    "single-label": "cross-entropy over the labels, L2 penalty",
    "multi-label": "binary cross-entropy of each label, L2 penalty",
}
PENALTIES = (0.001, 0.01, 0.1, 1.0)
"""Inverse strengths of the L2 penalty that validation chooses from."""
PENALTY = Parameter(
    "c",
    float,
    "auto",
    "inverse strength of the penalty; auto: the best of 0.001 to 1 on validation",
    words=("auto",),
    minimum=1e-9,
)
TENSORS = ("coefficients", "intercepts", "mean", "scale")


@dataclass(frozen=True, slots=True)
class FrozenSettings:
    """The method's parameters; saved with the `c` that was chosen."""

    pooling: str
    document_tokens: int
    eval_batch_size: int
    c: float | str

    @property
    def penalties(self) -> tuple[float, ...]:
        """The penalties to try."""
        return PENALTIES if isinstance(self.c, str) else (self.c,)


@dataclass(frozen=True, slots=True)
class FrozenClassifier:
    """Hyperplanes on features of a frozen model, standardised by `mean` and `scale` [width]."""

    embedder: DocumentEmbedder
    hyperplanes: Hyperplanes
    mean: np.ndarray
    scale: np.ndarray
    labels: LabelSpace
    settings: FrozenSettings
    facts: dict[str, Any] = field(default_factory=dict)
    hard: bool = False

    def predict_logits(self, texts: Sequence[str]) -> np.ndarray:
        """Return float32 [texts, labels], in the order of `texts`."""
        import numpy as np

        features, _ = features_of(self.embedder, texts, self.settings.eval_batch_size)
        return self.hyperplanes.logits((features - self.mean) / self.scale).astype(np.float32)

    def save(self, folder: Path) -> None:
        """Write the hyperplanes, the labels and the settings."""
        import torch

        planes = self.hyperplanes
        arrays = (planes.coefficients, planes.intercepts, self.mean, self.scale)
        tensors = {
            name: torch.from_numpy(array) for name, array in zip(TENSORS, arrays, strict=True)
        }
        save_tensors(folder, "planes", tensors)
        save_labels(folder, self.labels)
        save_settings(folder, asdict(self.settings))

    def export(self, target: ExportTarget) -> Exported:
        """Write what works without benchbench; raise BenchbenchError.

        The head takes features as they are: w (x - m) / s + b = (w / s) x + b - (w / s) m.
        """
        import torch

        weight = self.hyperplanes.coefficients / self.scale
        bias = self.hyperplanes.intercepts - weight @ self.mean
        head = {"0.weight": torch.from_numpy(weight), "0.bias": torch.from_numpy(bias)}
        return export_head(self.embedder, head, self.labels, target)


class FrozenEmbedding:
    """Fit logistic regression on pooled hidden states; no weight of the model changes.

    The features are computed once. Validation chooses the penalty by its log-loss.
    """

    name = "frozen-embedding"
    description = "no adapter: logistic regression on the frozen model's pooled embedding"
    parameters = (pooling_parameter("mean"), PENALTY, *PREDICTION_PARAMETERS)
    kinds: tuple[Kind, ...] = ("single-label", "multi-label")
    backbone_kinds = ("causal-lm", "encoder")
    seeded = False

    def workload(self, params: Params, amount: Amount) -> Workload:
        """Return how much work the method makes of so much data."""
        return frozen_workload(params, amount)

    def fit(self, task: Task) -> FrozenClassifier:
        """Fit on `task.train`, documents weighted; the penalty is chosen on validation."""
        loaded = load_backbone(self.name, task.backbone)
        seed_everything(task.seed)
        settings = read_parameters(FrozenSettings, task.params)
        embedder = _embedder(loaded, settings)
        size = settings.eval_batch_size
        features, truncated = features_of(embedder, task.train["text"], size)
        mean, scale = features.mean(axis=0), features.std(axis=0)
        scale[scale == 0] = 1.0
        features = (features - mean) / scale
        held_out = (features_of(embedder, task.validation["text"], size)[0] - mean) / scale
        penalty, loss, planes = _best_on_validation(task, features, held_out, settings.penalties)
        facts = _facts(loaded, planes) | {
            "truncated_share": sum(truncated) / len(truncated),
            "c": penalty,
            "training": TrainingFacts(
                LOSSES[task.kind], tuned=("c",) if len(settings.penalties) > 1 else ()
            ).to_json(),
            "best_validation_loss": loss,
        }
        settings = replace(settings, c=penalty)
        return FrozenClassifier(embedder, planes, mean, scale, task.labels, settings, facts)

    def load(self, folder: Path, backbone: BoundBackbone | None) -> FrozenClassifier:
        """Return the classifier that `save` wrote; raise GuardError where a file is damaged."""
        settings = read_parameters(FrozenSettings, load_settings(folder))
        embedder = _embedder(load_backbone(self.name, backbone), settings)
        tensors = load_tensors(folder, "planes", TENSORS)
        coefficients, intercepts, mean, scale = (tensors[name].numpy() for name in TENSORS)
        planes = Hyperplanes(coefficients, intercepts)
        return FrozenClassifier(embedder, planes, mean, scale, load_labels(folder), settings)


def features_of(
    embedder: DocumentEmbedder, texts: Sequence[str], batch_size: int
) -> tuple[np.ndarray, list[bool]]:
    """Return (float64 [texts, width], whether each text was shortened), from the cache if there."""
    documents, truncated = embedder.tokenize(texts)
    features = cached_features(
        embedder, documents, batch_size, lambda: _pooled(embedder, documents, batch_size)
    )
    return features, truncated


def _embedder(loaded: LoadedModel, settings: FrozenSettings) -> DocumentEmbedder:
    return DocumentEmbedder(loaded, settings.pooling, settings.document_tokens)


def _pooled(
    embedder: DocumentEmbedder, documents: Sequence[Sequence[int]], batch_size: int
) -> np.ndarray:
    import torch

    width = embedder.loaded.facts["hidden_size"]
    features = torch.empty(len(documents), width, dtype=torch.float64)
    embedder.loaded.model.eval()
    with torch.no_grad():
        for rows in prediction_batches([len(document) for document in documents], batch_size):
            features[rows] = embedder.embed([documents[row] for row in rows]).double().cpu()
    check_finite("the embeddings", [features])
    return features.numpy()


def _best_on_validation(
    task: Task, features: np.ndarray, held_out: np.ndarray, penalties: Sequence[float]
) -> tuple[float, float, Hyperplanes]:
    """Return (penalty, validation loss, hyperplanes) of the lowest loss; of two, the stronger."""
    tried: dict[float, tuple[float, Hyperplanes]] = {}
    for number, penalty in enumerate(penalties):
        planes = fit_hyperplanes(task, features, penalty)
        tried[penalty] = (validation_loss(task, planes.logits(held_out)), planes)
        task.report(number + 1, len(penalties), {"validation_loss": tried[penalty][0]})
    chosen = min(tried, key=lambda penalty: (tried[penalty][0], penalty))
    return chosen, *tried[chosen]


def _facts(loaded: LoadedModel, planes: Hyperplanes) -> dict[str, Any]:
    """Return what the record says of the model and of the hyperplanes on it."""
    trained = planes.coefficients.size + planes.intercepts.size
    return {
        "trainable_parameters": trained,
        "total_parameters": loaded.facts["total_parameters"] + trained,
        "four_bit_modules": loaded.facts["four_bit_modules"],
        "pad_source": loaded.facts["pad_source"],
        "guards": base_guard(loaded),
        **planes.convergence.facts(),
    }

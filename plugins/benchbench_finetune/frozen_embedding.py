"""Logistic regression on the pooled hidden states of a model that stays as it is."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench import (
    Amount,
    BoundBackbone,
    Kind,
    LabelSpace,
    LoadedModel,
    Parameter,
    Params,
    Task,
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
from benchbench.kit.data.targets import class_index, multi_hot
from benchbench.kit.guards import check_finite
from benchbench.kit.pooling import pooling_parameter
from benchbench.kit.seeding import seed_everything
from benchbench.kit.training import TRAINING_PARAMETERS
from benchbench_finetune.backbone_guard import base_guard, load_backbone
from benchbench_finetune.embedder import DocumentEmbedder
from benchbench_finetune.features import shared
from benchbench_finetune.workloads import frozen_workload

if TYPE_CHECKING:
    import numpy as np

PENALTIES = (0.001, 0.01, 0.1, 1.0)
"""Inverse strengths of the L2 penalty that validation chooses from."""
CERTAIN = 20.0
"""The logit, one way or the other, of a label that training has for no or for every document."""
STEPS = 1000
"""The most steps of the solver; how many labels needed more is among the facts."""
TENSORS = ("coefficients", "intercepts", "mean", "scale")
SETTINGS = ("pooling", "document_tokens", "eval_batch_size")
FROM_TRAINING = ("document_tokens", "eval_batch_size")


@dataclass(frozen=True, slots=True)
class Planes:
    """A hyperplane a label: float64 coefficients [labels, width] and intercepts [labels]."""

    coefficients: np.ndarray
    intercepts: np.ndarray
    unconverged: int = 0

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Return float64 [documents, labels] of standardised features."""
        logits: np.ndarray = features @ self.coefficients.T + self.intercepts
        return logits


@dataclass(frozen=True, slots=True)
class FrozenClassifier:
    """Features of a frozen model, standardised by `mean` and `scale` [width], and planes."""

    embedder: DocumentEmbedder
    planes: Planes
    mean: np.ndarray
    scale: np.ndarray
    labels: LabelSpace
    settings: dict[str, Any]
    facts: dict[str, Any] = field(default_factory=dict)
    hard: bool = False

    def predict_logits(self, texts: Sequence[str]) -> np.ndarray:
        """Return float32 [texts, labels], in the order of `texts`."""
        import numpy as np

        features, _ = features_of(self.embedder, texts, self.settings["eval_batch_size"])
        return self.planes.logits((features - self.mean) / self.scale).astype(np.float32)

    def save(self, folder: Path) -> None:
        """Write the planes, labels and settings."""
        import torch

        arrays = (self.planes.coefficients, self.planes.intercepts, self.mean, self.scale)
        tensors = {
            name: torch.from_numpy(array) for name, array in zip(TENSORS, arrays, strict=True)
        }
        save_tensors(folder, "planes", tensors)
        save_labels(folder, self.labels)
        save_settings(folder, self.settings)


class FrozenEmbedding:
    """Fit logistic regression on pooled hidden states; no weight of the model changes.

    Features are computed once. Validation chooses the penalty by its log-loss.
    """

    name = "frozen-embedding"
    description = "no adapter: logistic regression on the frozen model's pooled embedding"
    parameters = (
        pooling_parameter("mean"),
        Parameter(
            "c",
            float,
            "auto",
            "inverse strength of the penalty; auto: the best of 0.001 to 1 on validation",
            words=("auto",),
            minimum=1e-9,
        ),
        *(parameter for parameter in TRAINING_PARAMETERS if parameter.name in FROM_TRAINING),
    )
    kinds: tuple[Kind, ...] = ("single-label", "multi-label")
    backbone_kinds = ("causal-lm", "encoder")
    seeded = False

    def workload(self, params: Params, amount: Amount) -> Workload:
        """Return how much work it makes of so much data."""
        return frozen_workload(params, amount)

    def fit(self, task: Task) -> FrozenClassifier:
        """Fit on `task.train`, documents weighted; the penalty is chosen on validation."""
        import numpy as np

        loaded = load_backbone(self.name, task.backbone)
        seed_everything(task.seed)
        settings = {name: task.params[name] for name in SETTINGS}
        embedder = _embedder(loaded, settings)
        size = int(settings["eval_batch_size"])
        features, truncated = features_of(embedder, task.train["text"], size)
        mean, scale = features.mean(axis=0), features.std(axis=0)
        scale[scale == 0] = 1.0
        features = (features - mean) / scale
        held_out = (features_of(embedder, task.validation["text"], size)[0] - mean) / scale
        given = task.params["c"]
        penalties = PENALTIES if given == "auto" else (float(given),)
        tried: dict[float, tuple[float, Planes]] = {}
        for number, penalty in enumerate(penalties):
            planes = fit_planes(task, features, penalty)
            tried[penalty] = (validation_loss(task, planes.logits(held_out)), planes)
            task.report(number + 1, len(penalties), {"validation_loss": tried[penalty][0]})
        chosen = min(tried, key=lambda penalty: (tried[penalty][0], penalty))
        loss, planes = tried[chosen]
        trained = planes.coefficients.size + planes.intercepts.size
        facts = {
            "trainable_parameters": trained,
            "total_parameters": loaded.facts["total_parameters"] + trained,
            "four_bit_modules": loaded.facts["four_bit_modules"],
            "pad_source": loaded.facts["pad_source"],
            "guards": base_guard(loaded),
            "truncated_share": sum(truncated) / len(truncated),
            "c": chosen,
            "best_validation_loss": loss,
            "unconverged_labels": planes.unconverged,
        }
        arrays = np.asarray(mean), np.asarray(scale)
        return FrozenClassifier(embedder, planes, *arrays, task.labels, settings, facts)

    def load(self, folder: Path, backbone: BoundBackbone | None) -> FrozenClassifier:
        """Return the classifier that `save` wrote; raise GuardError where a file is not whole."""
        settings = load_settings(folder)
        embedder = _embedder(load_backbone(self.name, backbone), settings)
        tensors = load_tensors(folder, "planes", TENSORS)
        coefficients, intercepts, mean, scale = (tensors[name].numpy() for name in TENSORS)
        planes = Planes(coefficients, intercepts)
        return FrozenClassifier(embedder, planes, mean, scale, load_labels(folder), settings)


def _embedder(loaded: LoadedModel, settings: dict[str, Any]) -> DocumentEmbedder:
    return DocumentEmbedder(loaded, settings["pooling"], settings["document_tokens"])


def features_of(
    embedder: DocumentEmbedder, texts: Sequence[str], batch_size: int
) -> tuple[np.ndarray, list[bool]]:
    """Return (float64 [texts, width], whether each text was shortened); cells share them."""
    documents, truncated = embedder.tokenize(texts)
    features = shared(
        embedder, documents, batch_size, lambda: _pooled(embedder, documents, batch_size)
    )
    return features, truncated


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


def fit_planes(task: Task, features: np.ndarray, penalty: float) -> Planes:
    """Return the planes of all labels: softmax over classes, or a sigmoid each."""
    import numpy as np

    n_labels = len(task.labels)
    weights = np.array(task.train["weight"][:], dtype=float)
    coefficients = np.zeros((n_labels, features.shape[1]))
    intercepts = np.full(n_labels, -CERTAIN)
    if task.kind == "single-label":
        targets = class_index(task.train["labels"], n_labels)
        model, converged = _regression(features, targets, weights, penalty)
        known = model.classes_
        if len(known) == 2:  # one plane parts two classes
            coefficients[known[1]], intercepts[known] = model.coef_[0], (0.0, model.intercept_[0])
        else:
            coefficients[known], intercepts[known] = model.coef_, model.intercept_
        return Planes(coefficients, intercepts, int(not converged))
    unconverged = 0
    for label, positive in enumerate(multi_hot(task.train["labels"], n_labels).T):
        if positive.min() == positive.max():
            intercepts[label] = CERTAIN if positive.max() else -CERTAIN
            continue
        model, converged = _regression(features, positive, weights, penalty)
        coefficients[label], intercepts[label] = model.coef_[0], model.intercept_[0]
        unconverged += not converged
    return Planes(coefficients, intercepts, unconverged)


def _regression(
    features: np.ndarray, targets: np.ndarray, weights: np.ndarray, penalty: float
) -> tuple[Any, bool]:
    """Return the fitted model, and whether the solver converged."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        model = LogisticRegression(C=penalty, max_iter=STEPS)
        model.fit(features, targets, sample_weight=weights)
    return model, not any(issubclass(entry.category, ConvergenceWarning) for entry in caught)


def validation_loss(task: Task, logits: np.ndarray) -> float:
    """Return the mean log-loss of validation, over documents whose label training knows."""
    import torch
    from torch.nn import functional

    n_labels = len(task.labels)
    split = task.validation
    scores = torch.from_numpy(logits)
    if task.kind == "single-label":
        known = [row for row, labels in enumerate(split["labels"]) if labels[0] < n_labels]
        if not known:
            return 0.0  # nothing to choose by: the strongest penalty is taken
        targets = torch.tensor(class_index(split.select(known)["labels"], n_labels))
        return float(functional.cross_entropy(scores[known], targets))
    targets = torch.tensor(multi_hot(split["labels"], n_labels), dtype=torch.float64)
    return float(functional.binary_cross_entropy_with_logits(scores, targets))

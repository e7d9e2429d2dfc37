"""Logistic regression on features: one hyperplane per label."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchbench import Task
from benchbench.kit.data import class_index, multi_hot

if TYPE_CHECKING:
    import numpy as np

CERTAIN = 20.0
"""The logit, positive or negative, of a label that every or no training document has."""
STEPS = 1000
"""The most steps of the solver. How many labels needed more is among the facts."""


@dataclass(frozen=True, slots=True)
class Hyperplanes:
    """Float64 coefficients [labels, width] and intercepts [labels].

    `unconverged` counts the labels whose solver stopped before it converged.
    """

    coefficients: np.ndarray
    intercepts: np.ndarray
    unconverged: int = 0

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Return float64 [documents, labels] from standardised features [documents, width]."""
        logits: np.ndarray = features @ self.coefficients.T + self.intercepts
        return logits


def fit_hyperplanes(task: Task, features: np.ndarray, penalty: float) -> Hyperplanes:
    """Fit one softmax over all classes, or one sigmoid per label, to `task.train`.

    `features` are float64 [documents, width]; `penalty` is the inverse strength of the L2 penalty.
    """
    fit = _fit_classes if task.kind == "single-label" else _fit_labels
    return fit(task, features, penalty)


def _fit_classes(task: Task, features: np.ndarray, penalty: float) -> Hyperplanes:
    coefficients, intercepts = _zeros(task, features)
    targets = class_index(task.train["labels"], len(task.labels))
    model, converged = _regression(features, targets, _weights(task), penalty)
    known = model.classes_
    if len(known) == 2:  # one hyperplane separates two classes
        coefficients[known[1]], intercepts[known] = model.coef_[0], (0.0, model.intercept_[0])
    else:
        coefficients[known], intercepts[known] = model.coef_, model.intercept_
    return Hyperplanes(coefficients, intercepts, int(not converged))


def _fit_labels(task: Task, features: np.ndarray, penalty: float) -> Hyperplanes:
    coefficients, intercepts = _zeros(task, features)
    weights, unconverged = _weights(task), 0
    for label, positive in enumerate(multi_hot(task.train["labels"], len(task.labels)).T):
        if positive.min() == positive.max():
            intercepts[label] = CERTAIN if positive.max() else -CERTAIN
            continue
        model, converged = _regression(features, positive, weights, penalty)
        coefficients[label], intercepts[label] = model.coef_[0], model.intercept_[0]
        unconverged += not converged
    return Hyperplanes(coefficients, intercepts, unconverged)


def _zeros(task: Task, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return hyperplanes that give every label the logit of one that never occurs."""
    import numpy as np

    return np.zeros((len(task.labels), features.shape[1])), np.full(len(task.labels), -CERTAIN)


def _weights(task: Task) -> np.ndarray:
    import numpy as np

    return np.array(task.train["weight"][:], dtype=float)


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
    """Return the mean log-loss of the validation documents whose label occurs in training."""
    import torch
    from torch.nn import functional

    n_labels = len(task.labels)
    split = task.validation
    scores = torch.from_numpy(logits)
    if task.kind == "single-label":
        known = [row for row, labels in enumerate(split["labels"]) if labels[0] < n_labels]
        if not known:
            return 0.0  # no loss to choose by: the strongest penalty is taken
        targets = torch.tensor(class_index(split.select(known)["labels"], n_labels))
        return float(functional.cross_entropy(scores[known], targets))
    targets = torch.tensor(multi_hot(split["labels"], n_labels), dtype=torch.float64)
    return float(functional.binary_cross_entropy_with_logits(scores, targets))

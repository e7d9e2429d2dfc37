"""Logistic regression on features: one hyperplane per label."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchbench import Task
from benchbench.kit.data import class_index, multi_hot

if TYPE_CHECKING:
    import numpy as np

CERTAIN = 20.0
"""The logit, positive or negative, of a label that every or no training document has."""
LOGIT_TOLERANCE = 0.01
"""The solver has converged once a tenth of the gradient moves no training logit by more."""
GRADIENTS = (1e-5, 1e-6, 1e-7, 1e-8)
"""The largest component of the mean loss's gradient that is asked for, round by round."""
STEPS = 1000
"""The most steps of a round."""


@dataclass(frozen=True, slots=True)
class Convergence:
    """How near a solver came to the optimum.

    `moved` is the largest change of a training logit in the last round, `gradient` the largest
    component of the mean loss's gradient that is left. `unconverged` counts the labels whose
    logits were still moving; the classes of a softmax count as one.
    """

    moved: float = 0.0
    gradient: float = 0.0
    unconverged: int = 0

    def joined(self, other: Convergence) -> Convergence:
        """Return the worse of both, with the labels of both."""
        return Convergence(
            max(self.moved, other.moved),
            max(self.gradient, other.gradient),
            self.unconverged + other.unconverged,
        )

    def facts(self) -> dict[str, Any]:
        """Return what the record says of the solver."""
        return {
            "solver_tolerance": LOGIT_TOLERANCE,
            "logits_moved": self.moved,
            "gradient_norm": self.gradient,
            "unconverged_labels": self.unconverged,
            "warnings": [self.warning] if self.unconverged else [],
        }

    @property
    def warning(self) -> str:
        """Say what was not reached."""
        return (
            f"the solver has not converged: in its last round logits moved by {self.moved:.2g}, "
            f"and {LOGIT_TOLERANCE} was asked for"
        )


@dataclass(frozen=True, slots=True)
class Hyperplanes:
    """Float64 coefficients [labels, width] and intercepts [labels], and how exact they are."""

    coefficients: np.ndarray
    intercepts: np.ndarray
    convergence: Convergence = field(default_factory=Convergence)

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
    model, convergence = _regression(features, targets, _weights(task), penalty)
    known = model.classes_
    if len(known) == 2:  # one hyperplane separates two classes
        coefficients[known[1]], intercepts[known] = model.coef_[0], (0.0, model.intercept_[0])
    else:
        coefficients[known], intercepts[known] = model.coef_, model.intercept_
    return Hyperplanes(coefficients, intercepts, convergence)


def _fit_labels(task: Task, features: np.ndarray, penalty: float) -> Hyperplanes:
    coefficients, intercepts = _zeros(task, features)
    weights, convergence = _weights(task), Convergence()
    for label, positive in enumerate(multi_hot(task.train["labels"], len(task.labels)).T):
        if positive.min() == positive.max():
            intercepts[label] = CERTAIN if positive.max() else -CERTAIN
            continue
        model, of_label = _regression(features, positive, weights, penalty)
        coefficients[label], intercepts[label] = model.coef_[0], model.intercept_[0]
        convergence = convergence.joined(of_label)
    return Hyperplanes(coefficients, intercepts, convergence)


def _zeros(task: Task, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return hyperplanes that give every label the logit of one that never occurs."""
    import numpy as np

    return np.zeros((len(task.labels), features.shape[1])), np.full(len(task.labels), -CERTAIN)


def _weights(task: Task) -> np.ndarray:
    import numpy as np

    return np.array(task.train["weight"][:], dtype=float)


def _regression(
    features: np.ndarray, targets: np.ndarray, weights: np.ndarray, penalty: float
) -> tuple[Any, Convergence]:
    """Return the fitted model, and how near its solver came.

    A gradient that is small enough for the solver may still be far from the optimum where the
    penalty is weak, so the tolerance is one of logits. Every round asks for a tenth of the
    gradient and goes on from where the last one ended, until the logits stay.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=penalty, max_iter=STEPS, warm_start=True)
    moved, before = math.inf, None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # `moved` says more
        for tolerance in GRADIENTS:
            model.set_params(tol=tolerance).fit(features, targets, sample_weight=weights)
            logits = model.decision_function(features)
            if before is not None:
                moved = float(abs(logits - before).max())
            if moved <= LOGIT_TOLERANCE:
                break
            before = logits
    gradient = _gradient_norm(model, features, targets, weights)
    return model, Convergence(moved, gradient, int(moved > LOGIT_TOLERANCE))


def _gradient_norm(
    model: Any, features: np.ndarray, targets: np.ndarray, weights: np.ndarray
) -> float:
    """Return the largest component of the gradient of the mean loss, the penalty included."""
    total = weights.sum()
    excess = (model.predict_proba(features) - (targets[:, None] == model.classes_)) / total
    excess *= weights[:, None]
    excess = excess[:, -len(model.coef_) :]  # one column for two classes
    slopes = excess.T @ features + model.coef_ / (model.C * total)
    return float(max(abs(slopes).max(), abs(excess.sum(axis=0)).max()))


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

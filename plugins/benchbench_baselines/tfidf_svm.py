"""TF-IDF of words and characters, with one linear SVM per label: hard to beat on long texts."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench import (
    BoundBackbone,
    Exported,
    ExportTarget,
    GuardError,
    Kind,
    LabelSpace,
    Parameter,
    Task,
    TrainingFacts,
)
from benchbench.kit.artifacts import load_labels, load_settings, save_labels, save_settings
from benchbench.kit.data import multi_hot
from benchbench.kit.typed_parameters import read_parameters
from benchbench_baselines.svm_export import export_svm

if TYPE_CHECKING:
    import numpy as np

CERTAIN = 20.0
"""The logit, positive or negative, of a label that every or no training document has."""
STEPS = 1000
"""The most passes of the solver over the documents of a label."""
TOLERANCE = 1e-4
"""The spread of the dual's projected gradients at which the solver stops. A hundredth of it moves
no logit of 12 bank intents by more than 2e-5, and of 3 patent sections by less."""
VOCABULARY = "vocabulary.json"
ARRAYS = "svm.npz"
VIEWS: dict[str, dict[str, Any]] = {
    "words": {"analyzer": "word", "ngram_range": (1, 2)},
    "characters": {"analyzer": "char_wb", "ngram_range": (3, 5)},
}


@dataclass(frozen=True, slots=True)
class SvmParameters:
    """The parameters of `TfidfSvm`."""

    c: float
    word_features: int
    character_features: int


@dataclass(frozen=True, slots=True)
class SvmClassifier:
    """A union of TF-IDF views, and one hyperplane per label.

    `coefficients` are float32 [labels, features], `intercepts` float32 [labels]. Logits are
    signed distances as the SVM scales them: right for ranks and thresholds, no probabilities.
    """

    features: Any
    coefficients: np.ndarray
    intercepts: np.ndarray
    labels: LabelSpace
    facts: dict[str, Any] = field(default_factory=dict)
    hard: bool = False

    def predict_logits(self, texts: Sequence[str]) -> np.ndarray:
        """Return float32 [texts, labels]."""
        import numpy as np

        if not len(texts):
            return np.zeros((0, len(self.labels)), dtype=np.float32)
        scores = self.features.transform(list(texts)) @ self.coefficients.T + self.intercepts
        return np.asarray(scores, dtype=np.float32)

    def save(self, folder: Path) -> None:
        """Write vocabularies as JSON and arrays as NPZ: reading them runs no code."""
        import numpy as np

        views = dict(self.features.transformer_list)
        terms = {name: _terms(view.vocabulary_) for name, view in views.items()}
        idf = {f"idf_{name}": view.idf_ for name, view in views.items()}
        save_labels(folder, self.labels)
        save_settings(folder, {"features": len(self.coefficients[0])})
        text = json.dumps(terms, ensure_ascii=False)
        (folder / VOCABULARY).write_text(text, encoding="utf-8")
        np.savez_compressed(
            folder / ARRAYS, coefficients=self.coefficients, intercepts=self.intercepts, **idf
        )

    def export(self, target: ExportTarget) -> Exported:
        """Write a pipeline of scikit-learn; raise BenchbenchError."""
        return export_svm(self, dict(self.features.transformer_list), target)


class TfidfSvm:
    """Fit one linear SVM per label on TF-IDF of word 1-2-grams and character 3-5-grams.

    Memory: all n-grams of the training texts are counted before the most frequent are kept, which
    takes about 1 GB for 100 MB of text. The hyperplanes take 4 bytes per label and feature.
    """

    name = "tfidf-svm"
    description = "TF-IDF of word and character n-grams, with one linear SVM per label"
    parameters = (
        Parameter("c", float, 1.0, "penalty of the SVM; smaller is smoother", minimum=1e-6),
        Parameter(
            "word_features",
            int,
            100_000,
            "word n-grams to keep, the most frequent first",
            minimum=1,
        ),
        Parameter(
            "character_features",
            int,
            100_000,
            "character n-grams to keep, the most frequent first",
            minimum=1,
        ),
    )
    kinds: tuple[Kind, ...] = ("single-label", "multi-label")
    backbone_kinds: tuple[str, ...] = ()
    seeded = False

    def fit(self, task: Task) -> SvmClassifier:
        """Fit on `task.train`, documents weighted; validation is not used."""
        import numpy as np

        params = read_parameters(SvmParameters, task.params)
        limits = {"words": params.word_features, "characters": params.character_features}
        features = _union({name: {"max_features": limit} for name, limit in limits.items()})
        matrix = features.fit_transform(task.train["text"][:])
        targets = multi_hot(task.train["labels"], len(task.labels))
        weights = np.array(task.train["weight"][:], dtype=float)
        coefficients = np.zeros((len(task.labels), matrix.shape[1]), dtype=np.float32)
        intercepts = np.zeros(len(task.labels), dtype=np.float32)
        unconverged = 0
        for label, positive in enumerate(targets.T):
            task.report(label, len(task.labels), {})
            if positive.min() == positive.max():
                intercepts[label] = CERTAIN if positive.max() else -CERTAIN
                continue
            plane, converged = _hyperplane(matrix, positive, weights, params.c)
            coefficients[label], intercepts[label] = plane.coef_[0], plane.intercept_[0]
            unconverged += not converged
        facts = {
            "training": TrainingFacts("squared hinge loss of each label, L2 penalty").to_json(),
            "trainable_parameters": coefficients.size + intercepts.size,
            "total_parameters": coefficients.size + intercepts.size,
            "features": matrix.shape[1],
            "solver_tolerance": TOLERANCE,
            "unconverged_labels": unconverged,
            "warnings": [_warning(unconverged)] if unconverged else [],
        }
        return SvmClassifier(features, coefficients, intercepts, task.labels, facts)

    def load(self, folder: Path, backbone: BoundBackbone | None) -> SvmClassifier:
        """Return the classifier that `save` wrote; raise GuardError where files do not match."""
        import numpy as np

        try:
            terms = json.loads((folder / VOCABULARY).read_text(encoding="utf-8"))
            with np.load(folder / ARRAYS, allow_pickle=False) as stored:
                arrays = dict(stored)
            features = _union({name: {"vocabulary": terms[name]} for name in VIEWS})
            for name, view in features.transformer_list:
                view.idf_ = arrays[f"idf_{name}"]
            coefficients, intercepts = arrays["coefficients"], arrays["intercepts"]
        except (OSError, ValueError, KeyError) as error:
            raise GuardError(f"{folder}: the saved SVM cannot be read ({error})") from error
        labels = load_labels(folder)
        width = load_settings(folder)["features"]
        if coefficients.shape != (len(labels), width) or sum(map(len, terms.values())) != width:
            raise GuardError(f"{folder}: coefficients, vocabulary and labels have different sizes")
        return SvmClassifier(features, coefficients, intercepts, labels)


def _union(settings: dict[str, dict[str, Any]]) -> Any:
    """Return the union of the TF-IDF views; `settings` has further ones for each view."""
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import FeatureUnion

    return FeatureUnion(
        [
            (name, TfidfVectorizer(sublinear_tf=True, dtype=np.float32, **view, **settings[name]))
            for name, view in VIEWS.items()
        ]
    )


def _hyperplane(
    matrix: Any, positive: np.ndarray, weights: np.ndarray, penalty: float
) -> tuple[Any, bool]:
    """Return the SVM of one label, and whether it converged."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.svm import LinearSVC

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        plane = LinearSVC(C=penalty, tol=TOLERANCE, max_iter=STEPS, random_state=0)
        plane.fit(matrix, positive, sample_weight=weights)
    return plane, not any(issubclass(entry.category, ConvergenceWarning) for entry in caught)


def _warning(unconverged: int) -> str:
    labels = "label" if unconverged == 1 else "labels"
    return f"the solver of {unconverged} {labels} has not converged to {TOLERANCE:g}"


def _terms(vocabulary: dict[str, int]) -> list[str]:
    """Return the terms in the order of their columns."""
    return [str(term) for term in sorted(vocabulary, key=vocabulary.__getitem__)]

"""Scores of texts: TF-IDF with a linear SVM per label, as scikit-learn has them.

It needs scikit-learn and skops, which reads `model.skops` without running code from it.
`classifier.py` uses this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import skops.io


class SvmScorer:
    """A pipeline of scikit-learn: the views of a text, and the hyperplanes."""

    def __init__(self, folder: Path) -> None:
        self.pipeline = skops.io.load(folder / "model.skops")

    def logits(self, texts: Sequence[str]) -> Any:
        """Return float32 [texts, labels]: the signed distances from the hyperplanes."""
        features, svm = self.pipeline["features"], self.pipeline["svm"]
        if not texts:
            return np.zeros((0, len(svm.intercept_)), dtype=np.float32)
        return (features.transform(list(texts)) @ svm.coef_.T + svm.intercept_).astype(np.float32)


def load_scorer(folder: Path, base: str | None) -> SvmScorer:
    """Return the scorer of a folder; it has no base model."""
    return SvmScorer(folder)

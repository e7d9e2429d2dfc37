"""The SVM as a pipeline of scikit-learn in a skops file, which holds no code."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbench import BenchbenchError, Exported, ExportTarget

if TYPE_CHECKING:
    from benchbench_baselines.tfidf_svm import SvmClassifier

SCORER = Path(__file__).parent / "standalone" / "svm_scorer.py"
MULTI_LABEL = "One label is the pipeline's own answer; `classifier.py` applies the board's rule."


def export_svm(
    classifier: SvmClassifier, views: Mapping[str, Any], target: ExportTarget
) -> Exported:
    """Write `model.skops` with the pipeline; raise BenchbenchError where skops is missing."""
    try:
        import skops.io
    except ImportError as error:
        raise BenchbenchError(
            "tfidf-svm is exported with skops, which is not installed: "
            "pip install 'benchbench[export]'"
        ) from error
    skops.io.dump(_pipeline(classifier, views), target.folder / "model.skops")
    shutil.copyfile(SCORER, target.folder / "scorer.py")
    return Exported("sklearn", ("scikit-learn", "skops"), notes=(MULTI_LABEL,))


def _pipeline(classifier: SvmClassifier, views: Mapping[str, Any]) -> Any:
    """Return the views with their vocabularies, and the hyperplanes behind them."""
    import numpy as np
    from sklearn.pipeline import FeatureUnion, Pipeline
    from sklearn.svm import LinearSVC

    svm = LinearSVC()
    svm.coef_, svm.intercept_ = classifier.coefficients, classifier.intercepts
    svm.classes_ = np.array(classifier.labels.names)
    svm.n_features_in_ = classifier.coefficients.shape[1]
    return Pipeline([("features", FeatureUnion(list(views.items()))), ("svm", svm)])

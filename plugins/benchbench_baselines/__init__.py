"""Methods that every language model has to beat: majority, and TF-IDF with a linear SVM."""

from __future__ import annotations

from collections.abc import Iterable

from benchbench import Method, hookimpl
from benchbench_baselines.majority import Majority
from benchbench_baselines.tfidf_svm import TfidfSvm


@hookimpl
def benchbench_methods() -> Iterable[Method]:
    """Supply methods that need no backbone."""
    return [Majority(), TfidfSvm()]

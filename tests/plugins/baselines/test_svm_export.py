"""The exported SVM: a pipeline of scikit-learn that computes the same scores."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from benchbench_baselines.tfidf_svm import TfidfSvm

from benchbench import BenchbenchError, ExportTarget
from tests.support.exports import answers_of, export
from tests.support.models import toy_split, toy_task

TEXTS = ["pump valve water", "light lens", "an engine, a gear and a wheel", ""]


@pytest.mark.parametrize("kind", ["single-label", "multi-label"])
def test_another_process_computes_the_same_scores_before_and_after_a_reload(kind, tmp_path):
    fitted = TfidfSvm().fit(toy_task(TfidfSvm(), kind=kind))
    fitted.save(tmp_path)
    read = TfidfSvm().load(tmp_path, None)
    cases = {}
    for name, classifier in (("fitted", fitted), ("read", read)):
        assert export(classifier, tmp_path / name).library == "sklearn"
        cases[name] = (tmp_path / name, None)
    answers, ours = answers_of(cases, TEXTS)
    assert ours == []
    for name in cases:
        logits = np.array(answers[name][0])
        np.testing.assert_allclose(logits, fitted.predict_logits(TEXTS), atol=1e-6)


def test_the_pipeline_predicts_labels_as_scikit_learn_does(tmp_path):
    import skops.io

    fitted = TfidfSvm().fit(toy_task(TfidfSvm()))
    export(fitted, tmp_path / "svm")
    texts = toy_split(40, seed=3)["text"]
    pipeline = skops.io.load(tmp_path / "svm" / "model.skops")
    names = [fitted.labels.names[place] for place in fitted.predict_logits(texts).argmax(axis=1)]
    assert pipeline.predict(texts).tolist() == names


def test_without_skops_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "skops.io", None)
    fitted = TfidfSvm().fit(toy_task(TfidfSvm()))
    with pytest.raises(BenchbenchError, match=r"benchbench\[export\]"):
        fitted.export(ExportTarget(tmp_path))

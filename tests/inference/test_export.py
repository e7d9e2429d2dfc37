"""`benchbench export`: a folder, its model card, and how it compares with the board."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from benchbench.contract import BenchbenchError
from benchbench.evidence import score_run
from benchbench.inference import export_system, find_system, load_predictor
from benchbench.records import existing_store
from tests.support import commands


@pytest.fixture(autouse=True)
def cache(trained, monkeypatch):
    """The cache with the texts of the documents."""
    monkeypatch.setenv("BENCHBENCH_CACHE", str(trained[0].parent / "cache"))


def benchbench(tmp_path, *words, code=0):
    return commands.benchbench(
        tmp_path, *words, code=code, BENCHBENCH_CACHE=os.environ["BENCHBENCH_CACHE"]
    )


WRITTEN = {"README.md", "classifier.py", "labels.json", "scorer.py"}


def metadata(card):
    """Return the block at the head of a model card."""
    import yaml

    return yaml.safe_load(card.split("---")[1])


def test_the_svm_leaves_and_labels_texts_without_benchbench(trained, tmp_path):
    folder, _, _ = trained
    said = benchbench(tmp_path, "export", "tfidf-svm", "svm", "--store", folder).stderr
    assert "no label differs" in " ".join(said.split())
    assert {path.name for path in (tmp_path / "svm").iterdir()} == WRITTEN | {"model.skops"}
    (tmp_path / "texts.txt").write_text("A pump with a pressure\nA tablet with a patient\n")
    command = [sys.executable, "svm/classifier.py", "texts.txt"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    first, second = map(json.loads, done.stdout.splitlines())
    assert first["labels"][0] == "pumps" and second["labels"][0] == "drugs"
    assert set(first["probabilities"]) == {"drugs", "pumps", "roads"}


def test_the_card_has_the_scores_of_the_board_and_what_the_hub_reads(trained, tmp_path):
    folder, _, _ = trained
    benchbench(tmp_path, "export", "embedding-head", "head", "--seed", "1", "--store", folder)
    card = (tmp_path / "head" / "README.md").read_text()
    data = metadata(card)
    assert data["library_name"] == "peft"
    assert data["license"] == "apache-2.0"
    assert data["pipeline_tag"] == "text-classification"
    (results,) = data["model-index"]
    assert results["name"].endswith("seed 1")
    values = {metric["name"]: metric["value"] for metric in results["results"][0]["metrics"]}
    store = existing_store(folder)
    system = find_system(store, "embedding-head", seed=1)
    expected = score_run(store, system.corpus, system.record, ()).values["test"]
    assert values["macro-F1"] == pytest.approx(expected["macro_f1"], abs=1e-4)
    assert "Over 2 seeds" in card


def test_merged_weights_need_no_base_model(trained, tmp_path):
    folder, _, _ = trained
    benchbench(tmp_path, "export", "embedding-head", "whole", "--merge", "--store", folder)
    names = {path.name for path in (tmp_path / "whole").iterdir()}
    assert {"model.safetensors", "config.json", "head.safetensors"} <= names
    card = (tmp_path / "whole" / "README.md").read_text()
    assert "base model is" not in card.partition("## Scores")[0]
    assert json.loads((tmp_path / "whole" / "config.json").read_text())["dtype"] == "bfloat16"


def test_a_scorer_that_computes_something_else_is_noticed(trained, tmp_path):
    """The planted fault: the exported scores are turned around."""
    folder, _, _ = trained
    store = existing_store(folder)
    predictor = load_predictor(store, find_system(store, "tfidf-svm", seed=0))

    class Reversed:
        def export(self, target):
            exported = predictor.classifier.export(target)
            scorer = target.folder / "scorer.py"
            turned = scorer.read_text().replace("@ svm.coef_.T", "@ -svm.coef_.T")
            assert turned != scorer.read_text()
            scorer.write_text(turned)
            return exported

    done = export_system(store, replace(predictor, classifier=Reversed()), tmp_path / "turned")
    assert done.replay.changed == done.replay.documents > 0
    assert done.replay.after < done.replay.before
    assert f"the labels of {done.replay.changed} differ" in done.replay.words()


def test_a_scorer_that_does_not_run_leaves_no_folder(trained, tmp_path):
    folder, _, _ = trained
    store = existing_store(folder)
    predictor = load_predictor(store, find_system(store, "tfidf-svm", seed=0))

    class Broken:
        def export(self, target):
            exported = predictor.classifier.export(target)
            (target.folder / "scorer.py").write_text("import a_package_that_is_missing\n")
            return exported

    with pytest.raises(BenchbenchError, match="a_package_that_is_missing"):
        export_system(store, replace(predictor, classifier=Broken()), tmp_path / "broken")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        pytest.param(("majority", "out"), "majority has no export", id="nothing-to-export"),
        pytest.param(("tfidf-svm", "taken"), "taken exists", id="a-folder-with-files"),
        pytest.param((), "Name a folder", id="no-folder"),
        pytest.param(("a", "b", "c"), "Name a folder", id="too-many-names"),
        pytest.param(("tfidf-svn", "out"), "tfidf-svm", id="no-such-system"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(trained, tmp_path, words, reason):
    folder, _, _ = trained
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "notes.txt").write_text("mine")
    said = benchbench(tmp_path, "export", *words, "--store", folder, code=2).stderr
    assert reason in said and "Traceback" not in said
    assert {path.name for path in tmp_path.iterdir()} == {"taken"}


def test_probabilities_of_the_export_are_those_of_predict(trained, tmp_path):
    folder, data, _ = trained
    benchbench(tmp_path, "export", "tfidf-svm", "svm", "--store", folder, "--seed", "0")
    texts = [f"{row['title']}\n{row['abstract']}" for row in data[:20]]
    done = subprocess.run(
        [sys.executable, "svm/classifier.py", "-", "--json"],
        input="".join(json.dumps(text) + "\n" for text in texts),
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    store = existing_store(folder)
    predictor = load_predictor(store, find_system(store, "tfidf-svm", seed=0))
    for line, found in zip(done.stdout.splitlines(), predictor.predict(texts, 3), strict=True):
        row = json.loads(line)
        assert tuple(row["labels"]) == found.labels
        likely = dict(found.top)
        np.testing.assert_allclose(
            [row["probabilities"][name] for name in likely], list(likely.values()), atol=1e-5
        )

"""`benchbench predict` and `benchbench.load`: the numbers of the board, for any text."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys

import numpy as np
import pytest

import benchbench as package
from benchbench.contract import BenchbenchError
from benchbench.evidence import stored_predictions
from benchbench.inference import find_system, load_predictor
from benchbench.records import existing_store
from tests.support.commands import benchbench, environment


def written(data, path, columns=("title", "abstract", "number")):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(data)
    return path


def text_of(row):
    return f"{row['title']}\n{row['abstract']}"


@pytest.mark.parametrize("name", ["tfidf-svm", "embedding-head/nano-llama", "majority"])
def test_the_numbers_of_the_board_come_back(trained, name):
    folder, data, _ = trained
    store = existing_store(folder)
    system = find_system(store, name, seed=0)
    path = store.folder("predictions") / f"{system.record.predictions}.parquet"
    corpus = system.corpus
    predictor = load_predictor(store, system)
    by_id = {row["number"]: text_of(row) for row in data}
    for split in stored_predictions(path, corpus.label_facts, corpus.documents).values():
        logits = predictor.logits([by_id[one] for one in split.ids])
        np.testing.assert_allclose(logits, split.logits, atol=1e-5)  # threads may differ


def test_labels_are_those_of_the_boards_rule_and_probabilities_at_its_temperature(trained):
    folder, data, several = trained
    predictor = package.load(folder, "tfidf-svm")
    texts = [text_of(row) for row in data]
    logits = predictor.logits(texts).astype(np.float64)
    scaled = logits / predictor.tuning.temperature
    probable = (
        1 / (1 + np.exp(-scaled))
        if several
        else np.exp(scaled) / np.exp(scaled).sum(axis=1, keepdims=True)
    )
    for row, found in enumerate(predictor.predict(texts, top=3)):
        best = np.argsort(-logits[row])
        if several:
            decided = {n for n, x in zip(predictor.labels, logits[row], strict=True)
                       if x > predictor.tuning.threshold}  # fmt: skip
            assert set(found.labels) == decided
        else:
            assert found.labels == (predictor.labels[best[0]],)
        assert [label for label, _ in found.top] == [predictor.labels[place] for place in best]
        assert [p for _, p in found.top] == pytest.approx(probable[row][best])


def test_without_a_name_it_is_the_winner_and_the_seed_that_is_best_on_validation(trained):
    folder, _, _ = trained
    store = existing_store(folder)
    assert find_system(store).record.cell.method.name == "tfidf-svm"
    heads = [find_system(store, "embedding-head", seed=seed) for seed in (0, 1)]
    assert find_system(store, "embedding-head").record.id in {head.record.id for head in heads}
    assert [head.record.cell.seed for head in heads] == [0, 1]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_every_form_goes_in_and_comes_out(trained, tmp_path, ending):
    import pandas as pd

    folder, data, several = trained
    table = pd.DataFrame(data)[["title", "abstract", "number"]]
    source, target = tmp_path / f"new.{ending}", tmp_path / f"out.{ending}"
    {
        "csv": lambda: table.to_csv(source, index=False),
        "jsonl": lambda: table.to_json(source, orient="records", lines=True),
        "parquet": lambda: table.to_parquet(source),
    }[ending]()
    benchbench(tmp_path, "predict", "tfidf-svm", "--store", folder, "--input", source,
               "--output", target, "--keep", "number", "--top", "2")  # fmt: skip
    read = {
        "csv": pd.read_csv,
        "jsonl": lambda path: pd.read_json(path, lines=True),
        "parquet": pd.read_parquet,
    }[ending]
    found = read(target)
    assert list(found["row"]) == list(range(1, len(data) + 1))
    assert list(found["number"]) == [row["number"] for row in data]
    assert {"predicted", "probability", "top_1", "top_2_probability"} <= set(found)
    gold = [row["topic"].split(";") if several else row["topic"] for row in data]
    told = [
        ([] if value != value else value.split(";")) if several and ending == "csv" else value
        for value in found["predicted"]
    ]
    right = sum(
        sorted(a) == sorted(b) if several else a == b for a, b in zip(told, gold, strict=True)
    )
    assert right > 0.7 * len(data)


def test_texts_come_through_a_pipe_and_a_line_is_a_text(trained, tmp_path):
    folder, _, _ = trained
    command = [sys.executable, "-m", "benchbench", "predict", "tfidf-svm", "--store", str(folder)]
    done = subprocess.run(
        [*command, "--input", "-"], input="A pump with a pressure\n\u00e4 tablet\n", check=True,
        capture_output=True, text=True, cwd=tmp_path, env=environment(tmp_path), encoding="utf-8",
    )  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["row"] for row in rows] == ["1", "2"]
    assert "pumps" in rows[0]["predicted"]
    assert "loaded by baselines of benchbench" in done.stderr


FAULTS = [
    ("a,b\n1,2\n", "no column 'title'; there are: a, b. Name the columns of the text with --text"),
    ("title,abstract\nx\n", "row 1: 1 cells, and the header has 2"),
    ("title,abstract\nx,y\n , \n", "row 2: the text is empty (title, abstract); remove the row"),
    ("title,title\nx,y\n", "two columns have the same name"),
    ('title,abstract\n"x,y\n', "not a CSV file"),
    (b"title,abstract\n\xff\xfe,y\n", "byte 0xff is not UTF-8; save the file as UTF-8"),
]


@pytest.mark.parametrize(("content", "reason"), FAULTS, ids=[reason for _, reason in FAULTS])
def test_texts_of_another_shape_are_refused_in_one_line(trained, tmp_path, content, reason):
    folder, _, _ = trained
    path = tmp_path / "new.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    words = ("predict", "tfidf-svm", "--store", folder, "--input", path, "--output", "out.csv")
    last = benchbench(tmp_path, *words, code=2).stderr.splitlines()[-1]
    assert reason in last
    assert not (tmp_path / "out.csv").exists()
    assert list(tmp_path.glob(".benchbench-tmp*")) == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [("[1]", "expected an object or a text, found list"), ("{", "not JSON"),
     (json.dumps({"title": 3, "abstract": ""}), "'title' must be a text, found int")],
)  # fmt: skip
def test_a_wrong_json_line_is_named(trained, tmp_path, line, reason):
    folder, _, _ = trained
    path = tmp_path / "new.jsonl"
    path.write_text(f'{{"title": "a", "abstract": "b"}}\n{line}\n')
    words = ("predict", "tfidf-svm", "--store", folder, "--input", path)
    assert reason in benchbench(tmp_path, *words, code=2).stderr.splitlines()[-1]


def test_the_input_is_never_written_over(trained, tmp_path):
    folder, data, _ = trained
    path = written(data, tmp_path / "new.csv")
    words = ("predict", "tfidf-svm", "--store", folder, "--input", path, "--output", path)
    assert "would take the place of --input" in benchbench(tmp_path, *words, code=2).stderr


def test_a_saved_classifier_that_was_changed_is_refused(trained, tmp_path):
    import shutil

    folder, _, _ = trained
    shutil.copytree(folder, tmp_path / "runs")
    store = existing_store(tmp_path / "runs")
    system = find_system(store, "tfidf-svm")
    saved = store.folder("artifacts") / system.record.artifacts
    file = next(path for path in saved.iterdir() if path.is_file())
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(BenchbenchError, match="its files were changed since they were saved"):
        load_predictor(store, system)
    shutil.rmtree(saved)
    with pytest.raises(BenchbenchError, match="the store has no saved classifier of it"):
        load_predictor(store, system)


def test_other_weights_than_those_of_the_training_are_refused(trained, tmp_path):
    from tests.support.models import write_model

    folder, _, _ = trained
    store = existing_store(folder)
    system = find_system(store, "embedding-head")
    with pytest.raises(BenchbenchError, match="not the weights that the classifier was trained on"):
        load_predictor(store, system, weights=str(write_model(tmp_path / "other")))


@pytest.mark.parametrize(
    ("chosen", "reason"),
    [
        ({"seed": 7}, "has no result with seed 7; there are: 0, 1"),
        ({"dataset": "other"}, "It was not trained on 'other'. Name one with --dataset: claims"),
        ({"text": "embeding-head"}, "Did you mean 'embedding-head'"),
    ],
    ids=str,
)
def test_what_is_not_there_is_said_with_what_is(trained, chosen, reason):
    folder, _, _ = trained
    given = {"text": "embedding-head", **chosen}
    with pytest.raises(BenchbenchError) as error:
        find_system(existing_store(folder), **given)
    assert reason in str(error.value)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        pytest.param("model.gguf", "no folder and no .gguf file", id="a-name-without-its-folder"),
        pytest.param("", "not in the cache", id="a-hub-id-that-is-not-here"),
    ],
)
def test_weights_that_are_not_here_are_asked_for(path, reason, monkeypatch, tmp_path):
    from benchbench.catalog import load_catalog
    from benchbench.inference import predictor

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    backbone = load_catalog().backbone("smollm2-135m-instruct")
    params = {one.name: one.default for one in backbone.parameters} | {"path": path}
    with pytest.raises(BenchbenchError, match=f"{reason}.*--weights"):
        predictor._with_commit(backbone, params, "0" * 40, offline=True)

"""What a system gets wrong, from arrays and on the command line."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from benchbench.analysis import (
    JudgedSplit,
    disagreements,
    label_errors,
    pair_errors,
    suspect_labels,
    wrong_documents,
)
from benchbench.contract import BenchbenchError
from tests.support.commands import benchbench
from tests.support.predicted import store_of

NAMES = ("a", "b", "c")


def judged(gold, decided, probability=None, kind="single-label", title="one"):
    """Return a split of documents d0, d1, ...; labels are texts such as "ab"."""
    columns = [
        np.array([[name in labels for name in NAMES] for labels in one]) for one in (gold, decided)
    ]
    given = None if probability is None else np.array(probability, dtype=float)
    ids = tuple(f"d{number}" for number in range(len(gold)))
    return JudgedSplit(title, kind, ids, NAMES, *columns, given)


SURE = [[0.9, 0.05, 0.05], [0.6, 0.3, 0.1], [0.2, 0.8, 0.0], [0.0, 0.1, 0.9]]


def test_the_most_confident_errors_come_first():
    found = wrong_documents(judged("bbbc", "aabc", SURE))
    assert [(one.id, one.gold, one.predicted) for one in found] == [
        ("d0", ("b",), ("a",)), ("d1", ("b",), ("a",)),
    ]  # fmt: skip
    assert [one.confidence for one in found] == [0.9, 0.6]


def test_of_several_labels_a_missed_one_counts_as_well():
    found = wrong_documents(
        judged(["ab", "c"], ["a", "bc"], [[0.9, 0.1, 0.0], [0.0, 0.7, 0.8]], "multi-label")
    )
    assert [(one.id, one.confidence) for one in found] == [("d0", 0.9), ("d1", 0.7)]


def test_without_probabilities_errors_are_in_the_order_of_their_ids():
    found = wrong_documents(judged("bbbc", "aaba"))
    assert [(one.id, one.confidence) for one in found] == [("d0", None), ("d1", None), ("d3", None)]


def test_two_systems_disagree_where_their_labels_differ():
    one, other = judged("bbbc", "aabc", SURE), judged("bbbc", "abbc", SURE, title="two")
    [found] = disagreements(one, other)
    assert (found.id, found.predicted, found.other) == ("d1", ("a",), ("b",))
    with pytest.raises(BenchbenchError, match="one and two did not predict the same documents"):
        disagreements(one, judged("bbb", "abb", title="two"))


def test_labels_and_pairs_are_counted():
    split = judged("aabbc", "abbcc")
    counted = [(one.label, one.documents, one.predicted, one.right) for one in label_errors(split)]
    assert counted == [("b", 2, 2, 1), ("a", 2, 1, 1), ("c", 1, 2, 1)]
    assert [round(one.f1, 3) for one in label_errors(split)] == [0.5, 0.667, 0.667]
    assert [(one.gold, one.predicted, one.documents) for one in pair_errors(split)] == [
        ("a", "b", 1), ("b", "c", 1),
    ]  # fmt: skip


def test_a_label_that_no_document_has_and_none_was_given_is_left_out():
    assert [one.label for one in label_errors(judged("ab", "ab"))] == ["a", "b"]


def planted(labels, wrong, noise, seed, kind="single-label"):
    """Return a system that knows 300 documents, of which the first few have a wrong label."""
    random = np.random.default_rng(seed)
    truth = np.arange(300) % labels
    gold = truth.copy()
    gold[:wrong] = (truth[:wrong] + 1) % labels
    logits = random.normal(0, noise, (300, labels)) + 6 * np.eye(labels)[truth]
    probability = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    if kind == "multi-label":
        probability = 1 / (1 + np.exp(3 - logits))
    marks, decided = np.eye(labels, dtype=bool)[gold], np.eye(labels, dtype=bool)[truth]
    ids = tuple(f"d{number}" for number in range(300))
    names = tuple(f"l{number}" for number in range(labels))
    return JudgedSplit("one", kind, ids, names, marks, decided, probability), truth


@pytest.mark.parametrize("kind", ["single-label", "multi-label"])
def test_planted_wrong_labels_are_suspects(kind):
    systems = [(f"s{n}", planted(4, 12, 1.5, n, kind)[0]) for n in range(3)]
    truth = planted(4, 12, 1.5, 0)[1]
    found = suspect_labels(systems)
    assert found.systems == 3
    wrong = {suspect.id for suspect in found.suspects}
    assert wrong == {f"d{number}" for number in range(12)}
    if kind == "single-label":
        assert all(s.suggested == f"l{truth[int(s.id[1:])]}" for s in found.suspects)
        assert found.estimate == pytest.approx(12, abs=2)
    else:  # a label is missing, and another is one too many
        assert found.estimate == pytest.approx(24, abs=4)


def test_right_labels_are_no_suspects_and_one_system_alone_is_not_enough():
    clean = planted(4, 0, 1.0, 0)[0]
    assert suspect_labels([("one", clean)]).suspects == ()
    doubting, _ = planted(4, 12, 1.5, 1)
    assert suspect_labels([("a", clean), ("b", clean), ("c", doubting)]).suspects == ()


def test_seeds_of_a_system_have_one_voice():
    seeds = [("one", planted(4, 12, 1.5, n)[0]) for n in range(5)]
    assert suspect_labels(seeds).systems == 1


def test_without_probabilities_nobody_is_suspect():
    found = suspect_labels([("one", judged("ab", "ba"))])
    assert (found.suspects, found.systems, found.estimate) == ((), 0, 0.0)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return store_of(tmp_path_factory.mktemp("store"))[0].root


def test_the_command_shows_documents_labels_and_pairs(store, tmp_path):
    text = benchbench(tmp_path, "errors", "--store", store, COLUMNS="100").stdout
    assert "test documents are wrong." in text
    assert "documents" in text and "labels" in text and "pairs" in text


@pytest.mark.parametrize("table", ["documents", "labels", "pairs", "suspects"])
@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_every_table_is_written_whole(store, tmp_path, table, ending):
    out = tmp_path / f"out.{ending}"
    benchbench(tmp_path, "errors", "--store", store, "--table", table, "--output", out)
    text = out.read_text(encoding="utf-8")
    if ending == "jsonl":
        assert all(isinstance(json.loads(line), dict) for line in text.splitlines())
    else:
        rows = list(csv.DictReader(text.splitlines()))
        assert table != "labels" or rows[0].keys() >= {"label", "precision", "recall", "F1"}


def test_errors_load_no_plugin_and_no_model(store, tmp_path):
    code = (
        "import sys\nfrom benchbench.cli import cli\n"
        f"cli.main(['errors', '--store', {str(store)!r}], standalone_mode=False)\n"
        "print([m for m in ('torch', 'transformers', 'benchbench_csv') if m in sys.modules])\n"
    )
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"

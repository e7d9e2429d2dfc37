"""`benchbench compare`: systems, runs and stores."""

from __future__ import annotations

import shutil

import pytest

from benchbench.contract.errors import BenchbenchError
from benchbench.evidence.board import records_on
from benchbench.evidence.compute import compute_evidence
from benchbench.publishing.diff import diff_settings, diff_stores, flat, select
from benchbench.records.store import Store
from tests.support.commands import benchbench
from tests.support.predicted import SYSTEMS, store_of


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return store_of(tmp_path_factory.mktemp("store"))


def test_compare_shows_the_difference_of_two_systems_and_of_their_settings(made, tmp_path):
    store, board = made
    done = benchbench(tmp_path, "compare", "head", "tfidf", "--store", store.root)
    (claims,) = compute_evidence(store, board, records_on(store, board)).datasets.values()
    pair = claims.pair(0, 2)
    assert f"A - B = {pair.difference:+.4f}" in done.stdout
    assert f"{pair.interval.low:+.4f} to {pair.interval.high:+.4f}" in done.stdout
    assert done.stdout.count("McNemar (accuracy), seed") == 3
    line = next(line for line in done.stdout.splitlines() if "parameters.method.rank" in line)
    assert line.split()[1:] == ["12", "13"]
    assert "packages.torch" not in done.stdout


def test_another_metric_can_be_compared_and_an_unknown_metric_is_an_error(made, tmp_path):
    store, _ = made
    done = benchbench(tmp_path, "compare", "head/llama", "instruction", "--metric", "brier",
                      "--store", store.root)  # fmt: skip
    assert "claims: Brier" in done.stdout
    done = benchbench(tmp_path, "compare", "head", "tfidf", "--metric", "f2", "--store", store.root,
                      code=2)  # fmt: skip
    assert "f2" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_runs_can_be_named_by_the_beginning_of_their_ids(made, tmp_path):
    store, board = made
    first, second = (entry.id[:12] for entry in board.cells[:2])
    done = benchbench(tmp_path, "compare", first, second, "--store", store.root)
    assert f"seed 0 ({first})" in done.stdout
    assert "Nothing else differs." in done.stdout


@pytest.mark.parametrize(
    ("name", "message"),
    [("hed", "Did you mean 'head'"), ("ffffffffffff", "Nothing on board")],
)
def test_an_unknown_system_is_an_error_that_names_the_known_ones(made, name, message):
    with pytest.raises(BenchbenchError, match=message):
        select(made[0], name)


def test_an_ambiguous_name_is_an_error_that_names_the_choices(tmp_path):
    store, _ = store_of(tmp_path, (*SYSTEMS, ("head", "qwen", 1.0, 1)))
    with pytest.raises(BenchbenchError, match="head/llama, head/qwen"):
        select(store, "head")
    assert select(store, "head/qwen").title == "head/qwen"


def test_a_system_that_lacks_a_seed_cannot_be_compared(made, tmp_path):
    root = tmp_path / "copy"
    shutil.copytree(made[0].root, root)
    shutil.rmtree(root / "runs" / made[1].cells[0].id)
    done = benchbench(tmp_path, "compare", "head", "tfidf", "--store", root, code=2)
    assert "lacks 1 of 3 seeds" in done.stderr


def test_stores_are_compared_cell_by_cell(made, tmp_path):
    root = tmp_path / "copy"
    shutil.copytree(made[0].root, root)
    diff = diff_stores(made[0], Store(root))
    assert (diff.same, diff.only_first, diff.only_second) == (7, (), ())
    shutil.rmtree(root / "runs" / made[1].cells[0].id)
    diff = diff_stores(made[0], Store(root))
    assert (diff.same, len(diff.only_first)) == (6, 1)
    done = benchbench(tmp_path, "compare", made[0].root, root)
    assert "6 cells are the same in both" in done.stdout
    assert f"1 only in {made[0].root}" in done.stdout


def test_a_comparison_of_stores_names_the_settings_that_differ(made, tmp_path):
    from dataclasses import replace

    from benchbench.records.identity import key_of
    from benchbench.records.store import encode, open_store

    other = open_store(tmp_path / "other")
    for number, record in enumerate(records_on(*made).values()):
        if number == 0:
            record = replace(record, predictions="f" * 64)
        elif number == 1:
            identity = {**record.identity, "packages": {"torch": "2.14.0"}}
            record = replace(record, identity=identity, key=key_of(identity))
        path = other.record_path(record.id, record.key, record.attempt)
        path.parent.mkdir()
        path.write_bytes(encode(record))
    diff = diff_stores(made[0], other)
    assert diff.same == 5
    assert len(diff.other_numbers) == 1
    ((_, differences),) = diff.other_key
    assert [(d.name, d.first, d.second) for d in differences] == [
        ("packages.torch", "2.13.0", "2.14.0")
    ]


def test_settings_have_dotted_names_and_equal_settings_are_left_out():
    assert dict(flat({"a": {"b": 1, "c": [1]}, "d": None})) == {"a.b": 1, "a.c": [1], "d": None}
    differences = diff_settings({"a": "1", "b": "2"}, {"a": "1", "c": "3"})
    assert [(d.name, d.first, d.second) for d in differences] == [
        ("b", "2", None),
        ("c", None, "3"),
    ]


@pytest.mark.parametrize("what", ["system", "store"])
def test_what_is_given_twice_is_not_compared(made, tmp_path, what):
    root = made[0].root
    words = ("head", "head", "--store", root) if what == "system" else (root, root)
    done = benchbench(tmp_path, "compare", *words, code=2)
    assert "is given twice; name two systems, two runs or two stores." in done.stderr

"""Runs whose further scores are bounds publish what is known, and say what is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchbench.evidence.board import records_on
from benchbench.evidence.compute import compute_evidence, compute_values, inputs_of
from benchbench.leaderboard.build import build_leaderboard
from benchbench.render.formats import html
from tests.support.building import column
from tests.support.predicted import store_of

UNKNOWN = ("ece", "brier", "nll", "temperature", "nll_scaled", "recall_at_5")


def marked(records, exact_best):
    """Return the records, those of the method "head" with this number of exact scores."""
    return {
        cell: replace(record, facts={**record.facts, "exact_best": exact_best})
        if record.cell.method.name == "head"
        else record
        for cell, record in records.items()
    }


@pytest.fixture(scope="module")
def boards(tmp_path_factory):
    store, board = store_of(tmp_path_factory.mktemp("store"))
    exact = records_on(store, board)
    bounded = marked(exact, 3)
    return store, board, exact, bounded, compute_evidence(store, board, bounded)


def test_known_values_are_those_of_exact_scores_and_the_others_are_absent(boards):
    store, board, exact, bounded, evidence = boards
    complete = compute_evidence(store, board, exact)
    for cell, record in bounded.items():
        for split, values in evidence.values[cell].items():
            expected = complete.values[cell][split]
            assert values.items() <= expected.items()
            missing = set(expected) - set(values)
            assert missing.issuperset(UNKNOWN) == (record.exact_best is not None)
            assert not missing or not {"macro_f1", "accuracy", "recall_at_3"} & missing
    for shown, other in zip(
        evidence.datasets["claims"].systems, complete.datasets["claims"].systems, strict=True
    ):
        assert (shown.value, shown.interval) == (other.value, other.interval)
        assert bool(shown.reliability) == (shown.method != "head")


def test_the_tables_show_a_dash_and_a_note_says_why(boards):
    _, board, _, bounded, evidence = boards
    section = build_leaderboard(board, bounded, evidence).sections[0]
    tables = {table.key: table for table in section.tables}
    for table, title in (("ranking", "ECE"), ("calibration", "NLL"), ("guesses", "R@5")):
        methods = column(tables[table], "method")
        shown = dict(zip(methods, column(tables[table], title), strict=True))
        assert shown["head"] == "–"
        assert "–" not in (shown["instruction"], shown["tfidf"])
    (note,) = (note for note in section.notes if "bounds" in note)
    assert note.startswith("head · llama: only the best 3 scores of a document are exact.")
    for title in ("NLL", "temperature", "R@5", "ECE"):
        assert title in note
    assert "macro-F1" not in note
    page = html.render(build_leaderboard(board, bounded, evidence))
    assert "or not of every label: head · llama" in page


def test_the_mark_decides_the_evidence(boards):
    _, board, exact, bounded, _ = boards
    assert inputs_of(board, bounded) != inputs_of(board, exact)
    assert inputs_of(board, marked(exact, 1)) != inputs_of(board, bounded)


@pytest.mark.parametrize("mark", ["3", 3.0, True, False, 0, -1, [3], {}], ids=repr)
def test_a_mark_of_another_form_publishes_nothing(boards, mark):
    store, board, exact, *_ = boards
    values = compute_values(store, board, marked(exact, mark)).values
    for cell, record in exact.items():
        assert (values[cell]["test"] == {}) == (record.cell.method.name == "head")


def test_systems_compared_by_what_is_not_known_leave_these_out(boards):
    store, board, _, bounded, _ = boards
    evidence = compute_evidence(store, board, bounded, metric="nll")
    assert evidence.datasets["claims"].left_out == ("head · llama: it has no nll",)

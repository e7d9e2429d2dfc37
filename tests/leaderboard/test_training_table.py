"""One table says what each system minimised, and what it used validation for."""

from __future__ import annotations

import pytest

from benchbench.contract import TrainingFacts
from benchbench.render.formats import csv, markdown
from tests.support.building import board, built, cell, column, facts, record

HEAD = TrainingFacts("cross-entropy over the labels", "the same loss", "balanced", ("c",))


def said(method="head", training=None, **more):
    """Return a record that says these facts."""
    known = {} if training is None else {"training": training}
    return record(cell(method=method), facts={**known, **more})


def table_of(records, **more):
    """Return the table of a leaderboard of one dataset; None where it has none."""
    tables = built(records, board(records, **more)).sections[0].tables
    return next((table for table in tables if table.key == "training"), None)


def test_every_system_has_a_row_with_what_it_says_and_what_is_tuned_for_all():
    records = [said(training=HEAD.to_json(), seeded=True), said("older")]
    table = table_of(records)
    assert column(table, "method") == ["head", "older"]
    assert column(table, "training minimises") == [HEAD.minimises, "not said"]
    assert column(table, "early stopping by validation") == [HEAD.early_stopping, "not said"]
    assert column(table, "class weights") == ["balanced", "not said"]
    assert column(table, "tuned on validation") == [
        "c, temperature", "by the method: not said, temperature",
    ]  # fmt: skip
    assert column(table, "depends on the seed") == ["yes", "not said"]


@pytest.mark.parametrize(
    ("kind", "more", "tuned"),
    [
        ("single-label", {"hard": True}, "nothing"),
        ("single-label", {"exact_best": 3}, "nothing"),
        ("multi-label", {}, "threshold, temperature"),
        ("multi-label", {"hard": True}, "nothing"),
    ],
)
def test_what_the_evidence_tunes_depends_on_the_data_and_the_scores(kind, more, tuned):
    records = [said(training=TrainingFacts("nothing").to_json(), **more)]
    table = table_of(records, datasets={"claims": facts(kind=kind)})
    assert column(table, "tuned on validation") == [tuned]


def test_records_that_say_nothing_have_no_such_table():
    assert table_of([said(), said("other")]) is None


def test_the_table_is_rendered_like_the_others():
    shown = built([said(training=HEAD.to_json())])
    text = markdown.render(shown)
    assert "### claims: What was tuned on what" in text
    assert "| head | llama | cross-entropy over the labels | the same loss | balanced |" in text
    assert "minimises,early_stopping,class_weights,tuned,seeded" in csv.render(shown, "training")


WRONG = {
    "text": "loss",
    "no-loss": {"early_stopping": "no", "class_weights": "no", "tuned": []},
    "more": {**HEAD.to_json(), "more": "x"},
    "number": {**HEAD.to_json(), "minimises": 3},
    "tuned-text": {**HEAD.to_json(), "tuned": "c"},
    "tuned-numbers": {**HEAD.to_json(), "tuned": [1]},
    "long": {**HEAD.to_json(), "minimises": "x" * 201},
}


@pytest.mark.parametrize("case", WRONG)
def test_facts_of_another_form_are_not_said(case):
    assert TrainingFacts.of({"training": WRONG[case]}) is None
    assert table_of([said(training=WRONG[case])]) is None


def test_plain_data_is_read_back_as_it_was():
    assert TrainingFacts.of({"training": HEAD.to_json()}) == HEAD
    assert TrainingFacts.of({}) is None

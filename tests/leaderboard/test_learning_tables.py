"""The tables and sentences on whether more labels would help, in every form of the leaderboard."""

from __future__ import annotations

import csv as csv_reader
import io
import json
from dataclasses import replace

import pytest

from benchbench.evidence import Interval, IntervalEstimate, compute_evidence, records_on
from benchbench.leaderboard import build_leaderboard
from benchbench.leaderboard.learning_tables import expected_gain
from benchbench.render.formats import csv, html, markdown, terminal
from benchbench.render.formats import json as json_format
from tests.support.building import column
from tests.support.predicted import store_of
from tests.support.shares import store_with_shares


def leaderboard_of(folder, **more):
    store, board = store_with_shares(folder, **more)
    records = records_on(store, board)
    evidence = compute_evidence(store, board, records)
    return build_leaderboard(board, records, evidence), evidence.datasets["claims"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return leaderboard_of(tmp_path_factory.mktemp("shares"))


def table(board, key):
    return next(table for table in board.sections[0].tables if table.key == key)


def test_there_is_one_section_with_the_scores_of_every_share(made):
    board, evidence = made
    assert [section.title for section in board.sections] == ["claims"]
    learning = table(board, "learning")
    assert column(learning, "share of training") == ["12.5 %", "25 %", "50 %", "100 %"] * 2
    values = [f"{score.value:.3f}" for it in evidence.learning for score in it.scores]
    assert column(learning, "macro-F1, test") == values
    assert column(learning, "seeds") == ["3"] * 4 + ["1"] * 4
    assert [row.place for row in learning.rows] == [1] * 4 + [2] * 4


def test_the_gain_stands_in_a_table_in_its_notes_and_in_the_verdict(made):
    board, evidence = made
    first = evidence.learning[0]
    assert first.law is not None
    sentence = expected_gain(first, "macro-F1")
    gain = f"{first.law.gain:+.3f}"
    assert sentence.startswith(f"Doubling the labels is expected to give head · llama {gain} macro")
    assert "extrapolated" in sentence
    assert column(table(board, "doubling"), "macro-F1, expected gain")[0] == gain
    assert sentence in table(board, "doubling").notes[1]
    assert board.sections[0].verdict[-1] == sentence


def test_where_nothing_is_determined_the_reason_stands_in_place_of_a_number(tmp_path):
    board, _ = leaderboard_of(tmp_path, shares=(0.5, 1.0))
    doubling = table(board, "doubling")
    assert column(doubling, "macro-F1, expected gain") == ["–", "–"]
    assert "fewer than 3 numbers of training documents" in doubling.notes[1]
    assert board.sections[0].verdict[-1].startswith("What more labels would give is not determined")


def test_cells_on_shares_without_a_result_are_listed(tmp_path):
    board, _ = leaderboard_of(tmp_path, lost=(("head", 0.25, 1),))
    assert board.sections[0].failures == (
        "head · llama · claims · 25 % of training · seed 1: not run",
    )


def test_a_board_without_shares_has_neither_table_nor_sentence(tmp_path):
    store, board = store_of(tmp_path)
    records = records_on(store, board)
    section = build_leaderboard(board, records, compute_evidence(store, board, records)).sections[0]
    assert not {"learning", "doubling"} & {table.key for table in section.tables}
    assert "labels" not in " ".join(section.verdict)


def test_markdown_json_and_csv_have_the_tables(made):
    board, evidence = made
    text = markdown.render(board)
    assert "### claims: Score by number of training documents" in text
    assert "### claims: What twice the training documents would give" in text
    data = json.loads(json_format.render(board))["datasets"][0]
    assert [row["share"] for row in data["tables"]["learning"]] == [0.125, 0.25, 0.5, 1.0] * 2
    assert data["evidence"]["learning"][0]["law"]["gain"] == evidence.learning[0].law.gain
    rows = list(csv_reader.DictReader(io.StringIO(csv.render(board, "doubling"))))
    assert float(rows[0]["gain"]) == evidence.learning[0].law.gain


def test_html_has_a_picture_per_system_and_both_tables(made):
    text = html.render(made[0])
    assert text.count("by the number of training documents</title>") == 2
    assert "What twice the training documents would give" in text
    assert "fitted to validation, up to twice the documents" in text


def test_the_terminal_shows_the_gains_and_with_all_the_scores(made, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    short, whole = terminal.render(made[0]), terminal.render(made[0], whole=True)
    assert "What twice the training documents would give" in short
    assert "Score by number of training documents" not in short
    assert "Score by number of training documents" in whole
    assert "12.5 %" in whole


def test_where_some_labels_are_rare_the_interval_is_about_the_others_as_in_the_ranking(tmp_path):
    store, board = store_with_shares(tmp_path)
    records = records_on(store, board)
    computed = compute_evidence(store, board, records)
    dataset, estimate = computed.datasets["claims"], IntervalEstimate(0.123, Interval(0.1, 0.2))
    learning = tuple(
        replace(it, scores=tuple(replace(score, frequent=estimate) for score in it.scores))
        for it in dataset.learning
    )
    rare = replace(dataset, learning=learning, frequent_labels=3)
    shown = build_leaderboard(board, records, replace(computed, datasets={"claims": rare}))
    found = table(shown, "learning")
    assert set(column(found, "macro-F1, test, 3 frequent labels")) == {"0.123"}
    assert set(column(found, "95 % interval")) == {"0.100 to 0.200"}

"""What is wrong, as tables of a leaderboard: bounded, and with texts only where they are wanted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchbench.analysis import (
    holds_texts,
    judge,
    mistakes,
    pair_errors,
    with_mistakes,
    wrong_documents,
)
from benchbench.evidence import load_or_compute, records_on
from benchbench.inference import find_system
from benchbench.leaderboard import build_leaderboard
from tests.support.predicted import store_of


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return (store, board, leaderboard) of three systems."""
    store, board = store_of(tmp_path_factory.mktemp("store"))
    records = records_on(store, board)
    built = build_leaderboard(board, records, load_or_compute(store, board, records))
    return store, board, built


def tables(made, **how):
    store, board, built = made
    [section] = with_mistakes(built, store, board, **{"texts": False, **how}).sections
    return {table.key: table for table in section.mistakes}


def column(table, key):
    place = next(n for n, column in enumerate(table.columns) if column.keys == (key,))
    return [row.entries[place].values[0] for row in table.rows]


def test_the_first_systems_wrong_documents_are_those_of_benchbench_errors(made):
    store, board, _ = made
    found = wrong_documents(judge(store, find_system(store, board=board.name)))
    wrong = tables(made)["wrong"]
    assert len(found) > 1
    assert column(wrong, "id") == [one.id for one in found[: mistakes.MOST]]
    assert column(wrong, "probability") == [one.confidence for one in found[: mistakes.MOST]]
    assert f"{len(found)} of 120 test documents are wrong" in wrong.notes[0]


def test_the_second_system_disagrees_and_all_systems_suspect(made):
    found = tables(made)
    assert list(found) == ["wrong", "labels", "label_pairs", "disagreements", "suspects"]
    assert "instruction · llama" in found["disagreements"].title
    first, second = (column(found["disagreements"], key) for key in ("first", "second"))
    assert all(one != other for one, other in zip(first, second, strict=True))
    assert [note.partition(":")[0] for note in found["suspects"].notes[1:]] == [
        "test", "validation",
    ]  # fmt: skip
    assert "by 3 systems" in found["suspects"].notes[1]


def test_long_tables_are_cut_and_say_so(made, monkeypatch):
    monkeypatch.setattr(mistakes, "MOST", 2)
    found = tables(made)
    assert {key: len(found[key].rows) for key in ("wrong", "labels", "label_pairs")} == {
        "wrong": 2, "labels": 2, "label_pairs": 2,
    }  # fmt: skip
    assert "of which the first 2 are shown" in found["wrong"].notes[0]


def test_texts_stand_beside_documents_where_they_are_at_hand_and_wanted(made, monkeypatch):
    def at_hand(fingerprint, split, ids):
        return {name: f"text of {name} " + "x" * 999 for name in ids}

    store, board, built = made
    monkeypatch.setattr(mistakes, "texts_at_hand", at_hand)
    wrong = tables(made, texts=True)["wrong"]
    texts = column(wrong, "text")
    assert texts[0].startswith(f"text of {column(wrong, 'id')[0]} x")
    assert {len(text) for text in texts} == {mistakes.TEXT_CHARACTERS}
    assert holds_texts(with_mistakes(built, store, board, texts=True).sections)
    assert not holds_texts(with_mistakes(built, store, board, texts=False).sections)


def test_documents_with_several_labels_and_labels_without_training_are_told(tmp_path):
    store, board = store_of(tmp_path, kind="multi-label", unseen=1)
    records = records_on(store, board)
    built = build_leaderboard(board, records, load_or_compute(store, board, records))
    found = tables((store, board, built))
    assert any(", " in text for text in column(found["wrong"], "gold"))
    assert all(row.entries[1].text for row in found["wrong"].rows)
    assert "–" in {*column(found["suspects"], "gold"), *column(found["suspects"], "suggested")}


def test_without_predictions_a_section_is_as_it_was(tmp_path):
    store, board = store_of(tmp_path, (("head", "llama", 2.0, 1),))
    records = records_on(store, board)
    built = build_leaderboard(board, records, load_or_compute(store, board, records))
    assert [table.key for table in with_mistakes(
        built, store, board, texts=False).sections[0].mistakes
    ][-1] == "suspects"  # fmt: skip
    for path in store.folder("predictions").iterdir():
        path.unlink()
    assert with_mistakes(built, store, board, texts=False) == built
    [section] = built.sections
    bare = replace(built, sections=(replace(section, evidence=None),))
    assert with_mistakes(bare, store, board, texts=False) == bare


def test_the_table_of_confusions_counts_what_every_seed_takes_for_what(made):
    store, board, built = made
    [(_, table)] = built.tables("confusions")
    of_first = [row for row in table.rows if row.place == 1]
    counts = {}
    for seed in range(3):
        for pair in pair_errors(judge(store, find_system(store, board=board.name, seed=seed))):
            key = (pair.gold, pair.predicted)
            counts[key] = counts.get(key, 0) + pair.documents
    assert {
        (row.entries[2].text, row.entries[3].text): row.entries[4].values[0] for row in of_first
    } == counts
    assert table.lengthy

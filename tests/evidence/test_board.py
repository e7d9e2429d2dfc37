"""A board is read as it was written, and so is one of an older version."""

from __future__ import annotations

from dataclasses import replace

from benchbench.evidence.board import Board, BoardDataset, MetricColumn, PublishedScore
from benchbench.machine import read_as
from tests.support.building import board, description, evidence, facts, record


def test_a_board_with_everything_on_it_is_read_as_it_was_written():
    records = [record()]
    score = PublishedScore("Oracle", "macro_f1", 0.9, "somebody")
    made = board(records, datasets={"claims": facts(baselines=(score,), warnings=("w",))})
    column = MetricColumn("their_score", "their score", "plugins", ("single-label",), True)
    made = replace(
        made,
        values={records[0].id: {"their_score": 0.5}},
        plugin_metrics=(column,),
        plugin_evidence={"their_score": evidence(records, made)},
    )
    assert read_as(Board, made.to_json()) == made
    assert made.lower_is_better("their_score")
    assert made.lower_is_better("nll")
    assert not made.lower_is_better("macro_f1")


def test_a_board_of_version_0_1_is_read():
    records = [record()]
    made = replace(board(records), values={records[0].id: {"their-score": 0.5}})
    old = dict(made.to_json())
    del old["plugin_metrics"], old["plugin_evidence"]
    old["values"][records[0].id]["broken"] = None
    for dataset in old["datasets"].values():
        dataset["plugin_metrics"] = ["their-score"]
        del dataset["baselines"]
    column = MetricColumn("their-score", "their-score", "plugins", ("single-label",))
    assert read_as(Board, old) == replace(made, plugin_metrics=(column,))


def test_a_board_keeps_what_a_corpus_says_of_itself():
    corpus = description()
    kept = BoardDataset.of(corpus)
    assert (kept.fingerprint, kept.kind, kept.labels) == (corpus.fingerprint, corpus.kind, 2)
    assert kept.documents == corpus.documents
    assert kept.skipped_rows == 0

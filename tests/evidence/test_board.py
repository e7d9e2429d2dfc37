"""A board is read as it was written, and so is one of an older version."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from benchbench.contract import StoreError
from benchbench.evidence.board import (
    Board,
    BoardDataset,
    MetricColumn,
    PublishedScore,
)
from benchbench.evidence.board_reader import read_board
from benchbench.machine import WrongForm, canonical, read_as
from benchbench.records.store import open_store, write_json
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


def test_a_board_under_the_name_of_another_is_refused(tmp_path):
    store = open_store(tmp_path)
    write_json(store, "boards", "other", board([record()]).to_json())
    with pytest.raises(StoreError, match="holds a board of another name"):
        read_board(store, "other")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda data: data.update(title=None), "title is null; expected a text"),
        (lambda data: data.update(datasets={}), "has a dataset that is not among the datasets"),
        (lambda data: data["cells"].append(data["cells"][0]), "a cell is on the board twice"),
        (lambda data: data["cells"][0].update(id="i" * 5000), "cells[0].id is"),
        (lambda data: data["datasets"]["claims"].update(kind="x"), "datasets.claims.kind is"),
        (lambda data: data["datasets"]["claims"].update(main_metric="micro"), "datasets.claims: "),
        (lambda data: data["datasets"]["claims"]["documents"].pop("test"), "datasets.claims: "),
        (lambda data: data["datasets"]["claims"]["documents"].update(test=-1), "documents.test is"),
        (lambda data: data.update(values={"0" * 64: {}}), "a cell that is not on the board"),
        (lambda data: data.update(surprise=1), "surprise is not a known field"),
        (lambda data: data.update(plugin_evidence={"m": evidence([], board([])).to_json()}),
         "not in plugin_metrics"),
    ],
)  # fmt: skip
def test_a_board_whose_parts_do_not_fit_is_refused_in_words(change, fault):
    data = json.loads(canonical(board([record()]).to_json()))
    change(data)
    with pytest.raises(WrongForm) as caught:
        read_as(Board, data)
    assert fault in str(caught.value)


@pytest.mark.parametrize("wrong", [None, 3, [], {"claims": 3}, {"claims": {}}, "x"])
def test_junk_in_the_place_of_a_board_of_version_0_1_is_refused(wrong):
    with pytest.raises(WrongForm):
        read_as(Board, {"name": "x", "title": "x", "cells": [], "datasets": wrong, "values": wrong})

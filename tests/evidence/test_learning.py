"""Scores by share of the training documents: measured on test, a curve fitted on validation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchbench.contract import Reference
from benchbench.contract.errors import StoreError
from benchbench.evaluation import clusters, estimate, variation
from benchbench.evidence import compute_evidence, read_board, records_on, systems_on, write_board
from benchbench.evidence.board import BoardCell
from benchbench.evidence.board_reader import false_claim
from benchbench.evidence.runs import score_board
from benchbench.evidence.values import Evidence
from benchbench.machine import read_as
from benchbench.records import cell_id
from tests.support.predicted import store_of
from tests.support.shares import SHARES, store_with_shares


@pytest.fixture(scope="module", params=["single-label", "multi-label"])
def computed(request, tmp_path_factory):
    store, board = store_with_shares(tmp_path_factory.mktemp("shares"), kind=request.param)
    records = records_on(store, board)
    return store, board, records, compute_evidence(store, board, records)


def test_the_ranking_and_the_tests_are_those_of_the_full_training_alone(computed):
    store, board, records, evidence = computed
    whole = [entry for entry in board.cells if entry.cell.dataset.name == "claims"]
    alone = replace(board, cells=tuple(whole), datasets={"claims": board.datasets["claims"]})
    expected = compute_evidence(store, alone, {e.id: records[e.id] for e in whole})
    assert list(evidence.datasets) == ["claims"]
    assert replace(evidence.datasets["claims"], learning=()) == expected.datasets["claims"]
    assert expected.datasets["claims"].learning == ()


def test_every_system_has_its_scores_by_share_and_the_last_are_those_of_the_ranking(computed):
    _, board, _, evidence = computed
    dataset = evidence.datasets["claims"]
    assert [(it.method, it.backbone) for it in dataset.learning] == [
        (system.method, system.backbone) for system in dataset.systems
    ]
    for it, system in zip(dataset.learning, dataset.systems, strict=True):
        assert tuple(score.share for score in it.scores) == SHARES
        assert it.scores[-1].value == system.value
        assert it.scores[-1].interval == system.interval
        assert it.scores[-1].seeds == system.seeds
        documents = [score.documents for score in it.scores]
        assert documents[-1] == board.datasets["claims"].documents["train"]
        assert documents == sorted(set(documents))


def test_the_curve_is_fitted_to_validation_and_not_to_test(computed):
    _, board, _, evidence = computed
    metric = board.datasets["claims"].main_metric
    for it in evidence.datasets["claims"].learning:
        for score in it.scores:
            runs = [
                evidence.values[entry.id]["validation"][metric]
                for entry in board.cells
                if entry.cell.method.name == it.method
                and board.datasets[entry.cell.dataset.name].documents["train"] == score.documents
            ]
            assert score.validation == pytest.approx(np.mean(runs))
        if it.law is not None:
            for score in it.scores:
                assert abs(it.law(score.documents) - score.validation) < 4 * score.error + 0.02
    assert evidence.datasets["claims"].learning[0].law is not None


def test_errors_include_the_seeds_as_the_intervals_of_the_board_do(computed):
    store, board, records, evidence = computed
    metric = board.datasets["claims"].main_metric
    scored = score_board(store, board, records, {metric})
    heads = [e.id for e in board.cells_of("claims") if e.cell.method.name == "head"]
    runs = [scored.runs[cell].validation for cell in heads]
    varied = variation([run.additive[metric] for run in runs], clusters(runs[0].groups), seeds=True)
    (head,) = [it for it in evidence.datasets["claims"].learning if it.method == "head"]
    assert head.scores[-1].error == pytest.approx(estimate(varied).error)


def test_a_metric_that_has_no_interval_has_no_curve_either(computed):
    store, board, records, _ = computed
    evidence = compute_evidence(store, board, records, metric="ece")
    for it in evidence.datasets["claims"].learning:
        assert it.law is None
        assert "no interval of the metric" in it.reason
        assert it.scores[0].validation is not None


def test_evidence_with_shares_is_stored_and_read_as_it_was(computed):
    evidence = computed[-1]
    assert read_as(Evidence, evidence.to_json()) == evidence


def test_evidence_without_shares_is_stored_as_it_always_was(tmp_path):
    store, board = store_of(tmp_path)
    evidence = compute_evidence(store, board, records_on(store, board))
    assert "learning" not in evidence.to_json()["datasets"]["claims"]
    assert read_as(Evidence, evidence.to_json()) == evidence


def test_a_board_without_shares_keeps_no_scores_of_validation(tmp_path):
    store, board = store_of(tmp_path)
    scored = score_board(store, board, records_on(store, board), {"macro_f1"})
    assert all(run.validation is None for run in scored.runs.values())


@pytest.mark.parametrize(
    ("shares", "lost", "reason"),
    [
        ((0.5, 1.0), (), "fewer than 3 numbers of training documents"),
        ((0.25, 0.5, 1.0), (("head", 0.25, 1),), "fewer than 3 numbers of training documents"),
    ],
)
def test_where_too_few_shares_have_a_result_there_is_a_reason_and_no_curve(
    tmp_path, shares, lost, reason
):
    store, board = store_with_shares(tmp_path, shares=shares, lost=lost)
    evidence = compute_evidence(store, board, records_on(store, board))
    (head,) = [it for it in evidence.datasets["claims"].learning if it.method == "head"]
    assert head.law is None
    assert reason in head.reason
    assert len(head.scores) == len(shares) - len(lost)


def test_the_systems_of_a_dataset_do_not_include_those_on_shares(computed):
    _, board, records, evidence = computed
    assert list(board.wholes) == ["claims"]
    ranked, _ = systems_on(board, "claims", records, evidence.values)
    assert {entry.cell.dataset.name for system in ranked for entry in system.cells} == {"claims"}


def renamed(board):
    return change_first_part(board, lambda it: replace(it, name="other"))


def other_share(board):
    return change_first_part(board, lambda it: replace(it, params={"training_share": 0.3}))


def no_share(board):
    return change_first_part(board, lambda it: replace(it, params={"training_share": 2.0}))


def change_first_part(board, change):
    """Change the dataset of all cells on the first share, ids included."""
    name = next(name for name in board.datasets if name not in board.wholes)
    cells, datasets = [], dict(board.datasets)
    for entry in board.cells:
        if entry.cell.dataset.name == name:
            of = replace(entry.cell, dataset=change(entry.cell.dataset))
            datasets[of.dataset.name] = board.datasets[name]
            entry = BoardCell(of, cell_id(of), entry.key)
        cells.append(entry)
    if all(cell.cell.dataset.name != name for cell in cells):
        del datasets[name]
    return replace(board, cells=tuple(cells), datasets=datasets)


def without_whole(board):
    parts = {name: it for name, it in board.datasets.items() if name not in board.wholes}
    cells = tuple(entry for entry in board.cells if entry.cell.dataset.name in parts)
    return replace(board, cells=cells, datasets=parts)


def other_test(board):
    name = next(name for name in board.datasets if name not in board.wholes)
    documents = {**board.datasets[name].documents, "test": 7}
    changed = replace(board.datasets[name], documents=documents)
    return replace(board, datasets={**board.datasets, name: changed})


@pytest.mark.parametrize("lie", [renamed, other_share, no_share, without_whole, other_test])
def test_a_share_that_cannot_be_one_is_refused_by_every_reader(computed, tmp_path, lie):
    _, board, _, _ = computed
    assert false_claim(board) == ""
    forged = lie(board)
    assert "share" in false_claim(forged)
    store, _ = store_of(tmp_path)
    write_board(store, replace(forged, name="forged"), ())
    with pytest.raises(StoreError, match="share"):
        read_board(store, "forged")


def test_two_names_of_one_table_have_shares_of_their_own():
    from benchbench.catalog import at_share, whole_of

    parts = [at_share(Reference("csv", name, {"path": "t.csv"}), 0.5) for name in ("a", "b")]
    assert [whole_of(part).name for part in parts] == ["a", "b"]

"""What a board takes from plugins: no fault of a metric costs the board."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchbench import AdditiveMetric, Baseline, Metric, Reference
from benchbench.evidence.board import Board, records_on
from benchbench.evidence.compute import compute_evidence
from benchbench.evidence.freeze import comparable, with_plugin_metrics, with_plugin_results
from benchbench.machine import canonical, read_as
from tests.support.building import Net, Table, Way, catalog_of
from tests.support.predicted import store_of
from tests.support.shares import store_with_shares


def frozen(tmp_path, function, kinds=("single-label",)):
    """Return (board, evidence, warnings) of a store whose plugin has this metric."""
    store, board = store_of(tmp_path)
    warnings = []
    metric = Metric("theirs", "theirs", "plugins", kinds, function, limits=(0.0, 1.0))
    made = with_plugin_metrics(board, [metric], store, warnings.append)
    assert read_as(Board, json.loads(canonical(made.to_json()))) == made
    return made, compute_evidence(store, board, records_on(store, board)), warnings


def right(scored):
    return AdditiveMetric.mean((scored.predictions.gold & scored.decided()).any(axis=1))


def test_a_plugins_metric_has_the_intervals_and_tests_of_one_of_ours(tmp_path):
    made, _, warnings = frozen(tmp_path, right)
    store, board = store_of(tmp_path / "again")
    ours = compute_evidence(store, board, records_on(store, board), metric="accuracy")
    theirs = made.plugin_evidence["theirs"].datasets["claims"]
    assert warnings == []
    for own, other in zip(ours.datasets["claims"].systems, theirs.systems, strict=True):
        assert (own.value, own.interval, own.letters) == (
            other.value,
            other.interval,
            other.letters,
        )
    pairs = zip(ours.datasets["claims"].pairs, theirs.pairs, strict=True)
    assert all((own.p, own.p_holm) == (other.p, other.p_holm) for own, other in pairs)
    assert {len(values) for values in made.values.values()} == {1}


def test_a_metric_on_a_board_with_shares_has_evidence_on_the_whole_alone(tmp_path):
    store, board = store_with_shares(tmp_path)
    metric = Metric("theirs", "theirs", "plugins", ("single-label",), right, limits=(0.0, 1.0))
    made = with_plugin_metrics(board, [metric], store, pytest.fail)
    assert read_as(Board, json.loads(canonical(made.to_json()))) == made
    assert list(made.plugin_evidence["theirs"].datasets) == ["claims"]
    learning = made.plugin_evidence["theirs"].datasets["claims"].learning
    assert {it.reason for it in learning} == {"it has no score on validation with an uncertainty"}
    assert [score.share for score in learning[0].scores] == [0.125, 0.25, 0.5, 1.0]


def test_published_scores_stand_with_the_whole_dataset_alone(tmp_path):
    store, board = store_with_shares(tmp_path, shares=(0.5, 1.0))
    score = Baseline("Elsewhere", "claims", {}, "macro_f1", 0.5, "nobody")
    catalog = catalog_of(
        datasets=[Table()],
        methods=[Way("head"), Way("tfidf", backbone_kinds=())],
        backbones=[Net()],
        baselines=[score],
    )
    frozen = with_plugin_results(board, catalog, store, pytest.fail)
    assert {name: len(it.baselines) for name, it in frozen.datasets.items()} == {
        "claims": 1,
        "claims · 50 % of training": 0,
    }


def test_a_number_has_only_a_value(tmp_path):
    made, _, warnings = frozen(tmp_path, lambda scored: 7)
    assert {values["theirs"] for values in made.values.values()} == {7.0}
    assert (made.plugin_evidence, warnings) == ({}, [])


def test_a_metric_of_other_data_is_not_computed(tmp_path):
    made, _, warnings = frozen(tmp_path, lambda scored: 1 / 0, ("multi-label",))
    assert {len(values) for values in made.values.values()} == {0}
    assert warnings == []


def late(totals):
    """Follow from the totals of all documents, and fail on those of resamples."""
    if totals.ndim > 1:
        raise RuntimeError("too late")
    return totals[0]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        pytest.param(lambda scored: 1 / 0, "ZeroDivisionError", id="raises"),
        pytest.param(lambda scored: float("nan"), "its value is nan", id="not-a-number"),
        pytest.param(lambda scored: "much", "ValueError", id="a-text"),
        pytest.param(lambda scored: AdditiveMetric.mean(np.ones(3)), "expected", id="shape"),
        pytest.param(
            lambda scored: AdditiveMetric.mean(np.full(len(scored.predictions.ids), np.inf)),
            "its value is", id="infinite",
        ),
    ],
)  # fmt: skip
def test_a_metric_with_a_fault_has_no_value_and_is_named(tmp_path, function, message):
    made, _, warnings = frozen(tmp_path, function)
    assert all("theirs" not in values for values in made.values.values())
    assert made.plugin_evidence == {}
    assert len(warnings) == 1, "each fault is told once"
    assert "metric 'theirs'" in warnings[0]
    assert message in warnings[0]


def test_a_metric_that_fails_on_resamples_keeps_its_value(tmp_path):
    def function(scored):
        return AdditiveMetric.of(np.ones((1, len(scored.predictions.ids))), late)

    made, _, warnings = frozen(tmp_path, function)
    assert {values["theirs"] for values in made.values.values()} == {120.0}
    assert made.plugin_evidence == {}
    assert warnings == ["metric 'theirs' has no intervals and tests: RuntimeError: too late"]


def test_a_metric_that_is_no_number_on_some_resample_keeps_its_value(tmp_path):
    def function(scored):
        only = np.zeros(len(scored.predictions.ids))
        only[0] = 1.0  # most resamples lack this document, and 0 / 0 is no number
        return AdditiveMetric.of(np.stack([only, only]), lambda totals: totals[0] / totals[1])

    with np.errstate(invalid="ignore"):
        made, _, warnings = frozen(tmp_path, function)
    assert {values["theirs"] for values in made.values.values()} == {1.0}
    assert made.plugin_evidence == {}
    assert len(warnings) == 1
    assert "has no intervals and tests" in warnings[0]


def test_a_run_that_was_stopped_waits_for_no_tests(tmp_path):
    store, board = store_of(tmp_path)
    metric = Metric("theirs", "theirs", "plugins", ("single-label",), right)
    made = with_plugin_metrics(board, [metric], store, print, tests=False)
    assert made.plugin_evidence == {}
    assert len(made.values) == len(board.cells)


@pytest.mark.parametrize(
    ("asked", "free", "shown"),
    [
        ({}, (), True),
        ({"path": "here", "limit": 0}, (), True),
        ({"limit": 300}, (), False),
        ({"split_seed": 1}, (), False),
        ({"path": "there"}, (), False),
        ({"path": "there"}, ("path",), True),
        ({"path": "there", "limit": 300}, ("path",), False),
    ],
)
def test_a_published_score_stands_beside_the_documents_that_it_was_measured_on(asked, free, shown):
    score = Baseline("Oracle", "claims", {"split_seed": 0}, "macro_f1", 0.9, "Me (2020)", free=free)
    catalog = catalog_of(datasets=[Table("claims")], baselines=[score])
    assert comparable(catalog, Reference("claims", "claims", asked)) == ((score,) if shown else ())

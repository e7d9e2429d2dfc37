"""Forecasts: what was measured counts before what is estimated, and nothing is invented."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchbench.contract.executor import Outcome
from benchbench.planning.forecast import LIBRARIES_MIB, amount_of, forecasts, main_memory
from benchbench.planning.gpu_cards import card_of
from benchbench.planning.preparation import PreparedCorpus
from benchbench.records.attempts import publish
from benchbench.records.store import Store
from tests.support.building import description, record
from tests.support.forecasting import CPU, DATA, TwoItems, planned


def forecast(context, *cells):
    corpora = {DATA: PreparedCorpus(None, description())}
    return forecasts(cells, corpora, context, threads=1)


def finish(store, planned_cell, status="ok", device="cpu", **cost):
    """Publish what a cell took."""
    identity = {"device": device}
    publish(store, Outcome(record(planned_cell.cell, status, identity=identity, cost=cost), None))


def test_how_much_data_there_is():
    amount = amount_of(PreparedCorpus(None, description()))
    assert (amount.characters, amount.labels, amount.documents["train"]) == (400.0, 2, 80)


def test_what_says_nothing_is_unknown(context):
    for cell in (planned("silent"), planned(backbone="silent"), planned(backbone=None)):
        need = forecast(context, cell)[cell.id]
        assert (need.basis, need.memory_mib, need.seconds) == ("unknown", None, None)
        assert need.fits


def test_what_says_what_it_takes_is_estimated_and_compared_with_the_device(context):
    cell = planned()
    need = forecast(context, cell)[cell.id]
    assert need.basis == "estimated"
    assert need.memory_mib > 0
    assert need.seconds > 0
    assert need.fits
    small = replace(context, device=replace(CPU, memory_mib=100))
    assert not forecast(small, cell)[cell.id].fits


def test_what_ran_with_another_seed_is_measured(context):
    done, other, stranger = planned(seed=0), planned(seed=1), planned("silent", seed=1)
    finish(context.store, done, wall_seconds=12.5, peak_ram_mib=300)
    needs = forecast(context, done, other, stranger)
    for cell in (done, other):
        assert (needs[cell.id].basis, needs[cell.id].seconds) == ("measured", 12.5)
        assert needs[cell.id].memory_mib == 300
    assert needs[stranger.id].basis == "unknown"


def test_a_backbone_that_was_scored_plainly_is_expected_to_be_again(context):
    done, other = planned("silent"), planned()
    before = forecast(context, done, other)[other.id].seconds
    identity, facts = {"device": "cpu"}, {"scoring": "plain"}
    scored = record(done.cell, identity=identity, facts=facts, cost={"wall_seconds": 1.0})
    publish(context.store, Outcome(scored, None))
    assert forecast(context, done, other)[other.id].seconds > 5 * before


def test_a_finished_cell_says_how_its_time_was_divided(context):
    done, short = planned(seed=0), planned("silent")
    stages = {"fit_seconds": 6.0, "predict_validation_seconds": 1.0, "predict_test_seconds": 3.0}
    finish(context.store, done, wall_seconds=12.5, **stages)
    finish(context.store, short, wall_seconds=12.5, fit_seconds=6.0)
    needs = forecast(context, done, short)
    assert (needs[done.id].training_share, needs[done.id].predictions) == (0.6, 20)
    assert needs[short.id].training_share is None


def test_what_ran_elsewhere_or_failed_says_nothing(context):
    for number, (status, device) in enumerate([("ok", "cuda"), ("failed", "cpu")]):
        cell = planned(seed=number)
        finish(context.store, cell, status, device, wall_seconds=1.0)
        assert forecast(context, cell)[cell.id].basis == "estimated"


def test_what_ran_out_of_memory_with_another_seed_does_not_fit(context):
    done, other = planned(seed=0), planned(seed=1)
    finish(context.store, done, "oom", wall_seconds=3.0)
    assert not forecast(context, done, other)[other.id].fits


def test_a_store_that_is_not_there_yet_is_no_fault(context, tmp_path):
    cell = planned()
    absent = replace(context, store=Store(tmp_path / "nowhere"))
    assert forecast(absent, cell)[cell.id].basis == "estimated"


def test_main_memory_is_the_forecast_with_the_libraries_and_costs_no_measuring(
    context, monkeypatch
):
    monkeypatch.setattr("benchbench.planning.matrix_speed._measure", None)
    corpus = PreparedCorpus(None, description())
    assert main_memory(planned("silent"), corpus, context) is None
    assert main_memory(planned(), corpus, context) > LIBRARIES_MIB
    finish(context.store, planned(), wall_seconds=1.0, peak_ram_mib=300)
    assert main_memory(planned(), corpus, context) == 300 + LIBRARIES_MIB
    on_a_gpu = replace(context, device=replace(CPU, kind="cuda"))
    assert main_memory(planned(), corpus, on_a_gpu) is None


def test_a_plan_for_a_card_measures_nothing_and_takes_nothing_that_ran_here(context, monkeypatch):
    monkeypatch.setattr("benchbench.planning.matrix_speed._measure", None)
    cell = planned()
    finish(context.store, cell, device="cuda", wall_seconds=99.0, peak_gpu_mib=7)
    for name in ("H100 80GB", "T4"):
        card = card_of(name)
        elsewhere = replace(context, device=card.device, card=card)
        need = forecast(elsewhere, cell)[cell.id]
        assert need.basis == "estimated"
        assert (need.seconds, need.memory_mib) != (99.0, 7)
    monkeypatch.setattr("benchbench.planning.estimate.GPU_LAYER_SECONDS", 0.0)
    slow, fast = (
        forecast(replace(context, device=card.device, card=card), cell)[cell.id].seconds
        for card in map(card_of, ("gpu:memory=24,tflops=10", "gpu:memory=24,tflops=20"))
    )
    assert slow == pytest.approx(2 * fast)


def test_what_does_not_fit_a_card_says_what_would(context):
    card = card_of("gpu:memory=0.686,tflops=1")
    need = forecast(replace(context, device=card.device, card=card), planned())[planned().id]
    assert not need.fits
    assert "micro_tokens" in need.remedy


def test_a_rate_is_measured_in_the_dtype_that_is_asked_for(context):
    asked = []

    class Items(TwoItems):
        def resolved(self, noun, reference):
            return {"quantization": "none", "dtype": "bfloat16"}

    def rates(dtype):
        asked.append(dtype)
        return {128: 1e9}

    corpora = {DATA: PreparedCorpus(None, description())}
    forecasts([planned()], corpora, replace(context, catalog=Items()), 1, rates)
    assert asked == ["bfloat16"]

"""The plan: what is done, missing or stale, before anything runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchbench import Outcome, Reference, Skip
from benchbench.catalog.lookup import load_catalog
from benchbench.contract.errors import PluginError
from benchbench.machine import digest
from benchbench.machine.hardware import Device
from benchbench.planning.plan import PlanContext, plan_cells
from benchbench.planning.preparation import PreparedCorpus
from benchbench.records.attempts import publish
from benchbench.records.store import open_store
from tests.support.building import (
    Net,
    Table,
    Way,
    alone,
    catalog_of,
    cell,
    description,
    install,
    record,
)

CPU = Device("cpu", "a processor", "float32")


@pytest.fixture
def net():
    return Net()


@pytest.fixture
def context(tmp_path, net):
    catalog = catalog_of(
        datasets=[Table()],
        backbones=[net],
        methods=[
            Way("head"),
            Way("tfidf", backbone_kinds=()),
            Way("student", needs=("teacher",)),
            Way("teacher", needs=("tfidf",)),
            Way("loop", needs=("pool",)),
            Way("pool", needs=("loop",)),
        ],
    )
    return PlanContext(catalog, open_store(tmp_path / "store"), CPU)


def planned(context, *cells, fingerprint=None):
    corpus = PreparedCorpus(Path("nowhere"), description(fingerprint or digest("claims")))
    return plan_cells(cells, {Reference("claims", "claims"): corpus}, context)


def settle(context, plan, status="ok", **fields):
    """Store a record for a planned cell."""
    settled = replace(
        record(plan.cell, status),
        identity=plan.identity.to_json(),
        key=plan.key,
        id=plan.id,
        **fields,
    )
    return publish(context.store, Outcome(settled, Path()))


def test_what_has_no_record_is_missing(context):
    [plan] = planned(context, cell())
    assert (plan.state, plan.record) == ("missing", None)
    assert plan.identity.weights == digest("first")
    assert plan.identity.parameters.to_json() == {
        "dataset": {"path": "here", "limit": 0, "split_seed": 0},
        "method": {"rank": 16, "learning_rate": "auto"},
        "backbone": {"dtype": "auto"},
    }


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("ok", "done"),
        ("diverged", "done"),
        ("oom", "done"),
        ("timeout", "again"),  # no limit is asked for, which is the largest
        ("failed", "again"),
        ("interrupted", "again"),
        ("skipped", "again"),
    ],
)
def test_some_outcomes_are_final_and_others_are_tried_again(context, status, state):
    stored = settle(context, planned(context, cell())[0], status)
    [plan] = planned(context, cell())
    assert (plan.state, plan.record) == (state, stored)


def test_a_result_outlives_a_later_failure(context):
    [plan] = planned(context, cell())
    good = settle(context, plan)
    settle(context, plan, "failed")
    [plan] = planned(context, cell())
    assert (plan.state, plan.record) == ("done", good)


def test_force_runs_again_what_is_done(context):
    settle(context, planned(context, cell())[0])
    [plan] = planned(replace(context, force=True), cell())
    assert plan.state == "missing"


def test_other_weights_make_a_result_stale(context, net):
    settle(context, planned(context, cell())[0])
    net.weights[0] = "second"
    [plan] = planned(context, cell())
    assert (plan.state, plan.record) == ("stale", None)
    net.weights[0] = "first"
    assert planned(context, cell())[0].state == "done"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"fingerprint": digest("other data")}, id="data"),
        pytest.param({"device": Device("cuda", "a GPU", "bfloat16")}, id="device"),
        pytest.param({"device": replace(CPU, dtype="bfloat16")}, id="dtype"),
    ],
)
def test_what_decides_numbers_makes_a_result_stale(context, change):
    settle(context, planned(context, cell())[0])
    device = change.pop("device", CPU)
    assert planned(replace(context, device=device), cell(), **change)[0].state == "stale"


def test_the_name_of_the_device_is_no_part_of_the_key(context):
    settle(context, planned(context, cell())[0])
    other = replace(context, device=replace(CPU, name="another processor", memory_mib=1))
    assert planned(other, cell())[0].state == "done"


def test_a_dtype_that_was_asked_for_beats_the_devices(context):
    asked = replace(cell(), backbone=Reference("llama", "llama", {"dtype": "float16"}))
    assert planned(context, asked)[0].identity.dtype == "float16"
    assert planned(context, cell())[0].identity.dtype == "float32"


def test_a_constant_changed_in_a_plugin_makes_its_results_stale_and_a_comment_does_not(
    tmp_path, context, monkeypatch
):
    source = (
        "from benchbench import hookimpl\nfrom tests.support.building import Net, Table, Way\n\n\n"
        "@hookimpl\ndef benchbench_datasets():\n    return [Table()]\n\n\n"
        "@hookimpl\ndef benchbench_methods():\n    return [Way()]\n\n\n"
        "@hookimpl\ndef benchbench_backbones():\n    return [Net()]\n"
    )
    home = install(tmp_path, "shelf", source)
    alone(monkeypatch, home)
    context = replace(context, catalog=load_catalog())
    [plan] = planned(context, cell())
    assert list(plan.identity.plugins) == ["shelf:shelf"]
    settle(context, plan)
    assert planned(context, cell())[0].state == "done"
    (home / "shelf" / "__init__.py").write_text(source + "# a word more\n")
    assert planned(context, cell())[0].state == "done"
    (home / "shelf" / "__init__.py").write_text(source + "RATE = 0.5\n")
    assert planned(context, cell())[0].state == "stale"


def test_a_backbone_that_cannot_be_had_leaves_its_cell_unresolved(context, net, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_CANARYcanary0123456789")
    net.weights[0] = Skip("the weights need hf_CANARYcanary0123456789")
    [plan, other] = planned(context, cell(), cell(method="tfidf", backbone=None))
    assert (plan.state, plan.key, plan.identity) == ("unresolved", None, None)
    assert "CANARY" not in plan.reason
    assert plan.reason.startswith("the weights need")
    assert other.state == "missing"


def test_what_a_cell_requires_comes_before_it_once(context):
    cells = [cell(method=name) for name in ("student", "teacher")]
    plans = planned(context, *cells)
    assert [plan.cell.method.name for plan in plans] == ["tfidf", "teacher", "student"]
    assert plans[2].upstream == (plans[1].id,)
    assert plans[2].identity.upstream == (plans[1].key,)


def test_a_change_upstream_makes_what_depends_on_it_stale(context, net):
    for plan in planned(context, cell(method="teacher", backbone=None)):
        settle(context, plan)
    same = planned(context, cell(method="teacher", backbone=None))
    assert [plan.state for plan in same] == ["done", "done"]
    other = planned(context, cell(method="teacher", backbone=None), fingerprint=digest("more"))
    assert [plan.state for plan in other] == ["stale", "stale"]
    assert other[1].identity.upstream == (other[0].key,)


def test_cells_that_require_each_other_are_refused(context):
    with pytest.raises(PluginError, match="'loop' requires itself"):
        planned(context, cell(method="loop"))


def test_a_required_cell_on_data_that_is_not_read_is_refused(context):
    class Elsewhere(Way):
        def requires(self, cell):
            other = replace(cell, dataset=Reference("claims", "elsewhere"))
            return () if cell == other else (other,)

    catalog = catalog_of(datasets=[Table()], methods=[Elsewhere("head")], backbones=[Net()])
    with pytest.raises(PluginError, match="whose dataset is not in this run"):
        planned(replace(context, catalog=catalog), cell())


def test_weights_are_asked_for_once_a_backbone_however_many_cells(tmp_path):
    class Hub(Net):
        asked = 0

        def identity(self, params, *, offline):
            Hub.asked += 1
            raise Skip("the hub does not answer")

    catalog = catalog_of(datasets=[Table()], backbones=[Hub()], methods=[Way()])
    hub = PlanContext(catalog, open_store(tmp_path / "store"), CPU)
    plans = planned(hub, *(cell(seed=seed) for seed in range(5)))
    assert [plan.reason for plan in plans] == ["the hub does not answer"] * 5
    assert Hub.asked == 1
    planned(hub, cell())
    assert Hub.asked == 2, "what was absent is looked for again by the next plan"


@pytest.mark.parametrize(
    ("cost", "timeout", "state"),
    [
        pytest.param({"limit_seconds": 0.1}, None, "again", id="no-limit-is-the-largest"),
        pytest.param({"limit_seconds": 0.1}, 60.0, "again", id="a-larger-limit"),
        pytest.param({"limit_seconds": 60.0}, 60.0, "done", id="the-same-limit"),
        pytest.param({"limit_seconds": 60.0}, 0.1, "done", id="a-smaller-limit"),
        pytest.param({"wall_seconds": 60.2}, 60.0, "done", id="an-older-record-the-same-limit"),
        pytest.param({"wall_seconds": 60.2}, 90.0, "again", id="an-older-record-a-larger-limit"),
        pytest.param({}, 90.0, "done", id="nothing-known"),
    ],
)
def test_a_timeout_stands_until_a_larger_limit_is_asked_for(context, cost, timeout, state):
    [missing] = planned(context, cell())
    settle(context, missing, "timeout", cost=cost)
    [plan] = planned(replace(context, timeout=timeout), cell())
    assert plan.state == state
    [forced] = planned(replace(context, timeout=timeout, force=True), cell())
    assert forced.state == "missing"


@pytest.mark.parametrize(
    ("met", "memory", "state"),
    [
        pytest.param(16_000, 64_000, "again", id="more-memory"),
        pytest.param(16_000, 16_010, "done", id="as-good-as-the-same"),
        pytest.param(16_000, 8_000, "done", id="less"),
        pytest.param(None, 64_000, "done", id="what-it-met-is-unknown"),
        pytest.param(16_000, None, "done", id="what-there-is-is-unknown"),
    ],
)
def test_a_cell_without_memory_stands_until_there_is_more(context, met, memory, state):
    [missing] = planned(context, cell())
    settle(context, missing, "oom", cost={} if met is None else {"limit_mib": met})
    [plan] = planned(replace(context, device=replace(CPU, memory_mib=memory)), cell())
    assert plan.state == state


def test_a_plan_knows_the_last_attempt(context):
    [missing] = planned(context, cell())
    assert missing.attempts == 0
    settle(context, missing)
    settle(context, missing, "failed")
    [plan] = planned(context, cell())
    assert (plan.record.attempt, plan.attempts) == (1, 2)

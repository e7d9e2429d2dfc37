"""A watched backbone: its loading is timed, and other weights than the planned ones are refused."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from benchbench import GuardError, LoadedModel
from benchbench.kit.file_cache import load_of_cell
from benchbench.machine.stopwatch import Stopwatch
from benchbench.machine.watched_backbone import WatchedBackbone

FACTS = {"quantized_share": 0.5, "tensor": object()}


def watched(weights, watch, commit="first"):
    """Return a backbone of that commit on the hub, planned with these weights."""

    def load(params, *, device, dtype):
        return LoadedModel("model", "tokenizer", {**FACTS, "commit": commit})

    backbone = SimpleNamespace(
        name="llama", kind="causal-lm", family="llama", description="", parameters=(), load=load
    )
    return WatchedBackbone(backbone, weights, "origin", watch)


@pytest.mark.parametrize("commit", ["first", None], ids=["the-planned-commit", "no-commit"])
def test_the_planned_weights_are_loaded_and_timed(commit):
    watch = Stopwatch()
    loaded = watched("first", watch, commit).load({}, device="cpu", dtype="float32")
    assert loaded.facts["origin"] == "origin"
    assert watch.seconds["load"] >= 0


def test_while_it_loads_it_is_known_what_decides_the_model():
    seen = []

    def load(params, *, device, dtype):
        seen.append(load_of_cell())
        return LoadedModel("model", "tokenizer", FACTS)

    for weights in ("first", "second"):
        backbone = watched(weights, Stopwatch())
        backbone._backbone.load = load
        backbone._backbone.identity = lambda params, offline: "second"
        backbone.load({}, device="cpu", dtype="float32")
    assert [load.key["weights"] for load in seen] == ["first", "second"]
    assert [load.unchanged() for load in seen] == [False, True]
    assert len({load.key["plugin"] for load in seen}) == 1
    assert load_of_cell() is None


def test_the_plain_facts_of_the_model_are_kept_for_the_record():
    backbone = watched("first", Stopwatch())
    assert backbone.facts == {}
    backbone.load({}, device="cpu", dtype="float32")
    assert backbone.facts == {"commit": "first", "quantized_share": 0.5}


def test_a_branch_that_moved_between_plan_and_load_is_an_error_that_names_both_commits():
    with pytest.raises(GuardError, match="commit first was planned, commit second was loaded"):
        watched("first", Stopwatch(), "second").load({}, device="cpu", dtype="float32")

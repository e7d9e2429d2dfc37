"""Declared parameters and the values that meet them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbench.contract.parameters import Parameter, did_you_mean, resolve
from benchbench.machine import canonical

RANK = Parameter("rank", int, 16, "rank of the adapters", minimum=1, maximum=256)
RATE = Parameter("learning_rate", float, "auto", "step size", words=("auto",), minimum=0)
POOLING = Parameter("pooling", str, "last", "how", choices=("last", "mean"))
FLAG = Parameter("flag", bool, False, "switch")
PATH = Parameter("path", str, None, "the table to read")
SCALARS = st.one_of(
    st.booleans(), st.integers(), st.just(10**400), st.floats(), st.text(max_size=5), st.dates()
)
ANYTHING = st.one_of(SCALARS, st.lists(SCALARS, max_size=2), st.just({"a": 1}))


@pytest.mark.parametrize(
    ("parameter", "given", "value"),
    [
        pytest.param(RANK, "8", 8, id="whole-number-from-the-command-line"),
        pytest.param(RANK, 8.0, 8, id="whole-number-written-as-a-fraction"),
        pytest.param(RATE, "1e-4", 1e-4, id="number-from-text"),
        pytest.param(RATE, 1, 1.0, id="number-from-a-whole-one"),
        pytest.param(RATE, "auto", "auto", id="word-beside-numbers"),
        pytest.param(POOLING, "mean", "mean", id="choice"),
        pytest.param(FLAG, "Yes", True, id="yes"),
        pytest.param(FLAG, "false", False, id="false-is-not-a-true-text"),
        pytest.param(PATH, 7, "7", id="text-from-a-number"),
        pytest.param(
            Parameter("split_seed", int, 0, "seed"), str(2**53 + 1), 2**53 + 1, id="beyond-a-double"
        ),
    ],
)
def test_a_value_takes_the_declared_type(parameter, given, value):
    found = parameter.parse(given)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("parameter", "given", "expected"),
    [
        pytest.param(RANK, "eight", "a whole number from 1 to 256", id="no-number"),
        pytest.param(RANK, 8.5, "a whole number from 1 to 256", id="a-fraction"),
        pytest.param(RANK, 0, "a whole number from 1 to 256", id="too-small"),
        pytest.param(RANK, 257, "a whole number from 1 to 256", id="too-large"),
        pytest.param(RANK, True, "a whole number from 1 to 256", id="true-is-not-one"),
        pytest.param(RANK, 10**400, "a whole number from 1 to 256", id="beyond-any-double"),
        pytest.param(RANK, [8], "a whole number from 1 to 256", id="a-list"),
        pytest.param(RATE, "auot", "a number of at least 0 or 'auto'", id="misspelled-word"),
        pytest.param(RATE, "nan", "a number of at least 0 or 'auto'", id="not-a-number"),
        pytest.param(RATE, float("inf"), "a number of at least 0 or 'auto'", id="infinite"),
        pytest.param(RATE, -0.1, "a number of at least 0 or 'auto'", id="negative"),
        pytest.param(POOLING, "first", "one of last, mean", id="no-such-choice"),
        pytest.param(FLAG, "maybe", "true or false", id="neither-true-nor-false"),
        pytest.param(FLAG, 1, "true or false", id="one-is-not-true"),
        pytest.param(PATH, ["a"], "text", id="text-from-a-list"),
        pytest.param(PATH, {"a": 1}, "text", id="text-from-a-table"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_in_words(parameter, given, expected):
    with pytest.raises(ValueError, match="expected") as caught:
        parameter.parse(given)
    assert str(caught.value).startswith(f"expected {expected}, found ")


@pytest.mark.parametrize("parameter", [RANK, RATE, POOLING, FLAG, PATH], ids=lambda p: p.name)
@given(given=ANYTHING)
@settings(max_examples=40, deadline=None)
def test_whatever_is_given_comes_out_storable_or_is_refused(parameter, given):
    try:
        value = parameter.parse(given)
    except ValueError as error:
        assert str(error).startswith("expected ")
    else:
        canonical(value)
        assert parameter.parse(value) == value


def test_resolve_fills_defaults_and_keeps_what_was_given():
    values, faults = resolve("head", (RANK, RATE, FLAG), {"rank": "8"})
    assert values == {"rank": 8, "learning_rate": "auto", "flag": False}
    assert faults == []


def test_resolve_lists_every_fault_at_once():
    _, faults = resolve("head", (RANK, PATH), {"rnak": 8, "rank": "x"})
    assert len(faults) == 3
    assert "unknown parameter 'head.rnak'" in faults[0]
    assert "Did you mean 'rank'?" in faults[0]
    assert faults[1].startswith("'head.rank': expected a whole number")
    assert faults[2] == "'head.path' must be given: the table to read; --set head.path=VALUE"


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        pytest.param("embeding-head", ["embedding-head", "x"], "'embedding-head'", id="near"),
        pytest.param("zzz", ["embedding-head"], None, id="nothing-near"),
        pytest.param("a", [], None, id="nothing-known"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest_and_with_all(name, known, hint):
    tail = did_you_mean(name, known)
    assert ("Did you mean" in tail) == (hint is not None)
    assert hint is None or f"Did you mean {hint}?" in tail
    assert tail.endswith(f"Available: {', '.join(sorted(known)) or 'none'}.")

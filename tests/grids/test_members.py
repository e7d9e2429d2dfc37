"""A member of a grid: which names set its parameters, and what it then asks for."""

from __future__ import annotations

import pytest

from benchbench import Parameter, Reference
from benchbench.grids.members import BackboneMember

PARAMETERS = (
    Parameter("rank", int, 16, "rank", minimum=1),
    Parameter("dtype", str, "auto", "dtype"),
)
SMALL = BackboneMember(Reference("llama", "small", {"rank": 2}), PARAMETERS, "causal-lm")


@pytest.mark.parametrize(
    ("names", "setters"),
    [
        pytest.param(["rank", "seed"], {"rank": "rank"}, id="bare-where-declared"),
        pytest.param(["small.rank"], {"rank": "small.rank"}, id="by-the-name-that-is-shown"),
        pytest.param(["llama.rank"], {"rank": "llama.rank"}, id="by-the-name-that-is-used"),
        pytest.param(["small.rank", "rank"], {"rank": "small.rank"}, id="the-nearer-one-wins"),
        pytest.param(["small.rnak"], {"rnak": "small.rnak"}, id="a-fault-is-kept-to-be-told"),
        pytest.param(["qwen.rank"], {}, id="another-member"),
        pytest.param([], {}, id="nothing"),
    ],
)
def test_names_that_set_a_members_parameters(names, setters):
    assert SMALL.setters(iter(names)) == setters


def test_values_are_typed_and_faults_told_by_the_name_that_is_shown():
    member, faults = SMALL.asking({"rank": "8", "dtype": "auto"})
    assert (member.reference.params, faults) == ({"dtype": "auto", "rank": 8}, [])
    assert list(member.reference.params) == ["dtype", "rank"]
    member, faults = SMALL.asking({"rank": "many"})
    assert faults == ["'small.rank': expected a whole number of at least 1, found 'many'"]
    assert member.reference.params == {"rank": "many"}


def test_what_is_not_asked_for_has_its_default():
    assert SMALL.values() == {"rank": 2, "dtype": "auto"}


def test_a_member_may_be_called_otherwise_and_keeps_what_it_is():
    member = SMALL.called("tiny", {"dtype": "float32"})
    assert member.reference == Reference("llama", "tiny", {"rank": 2, "dtype": "float32"})
    assert (member.noun, member.kind, member.parameters) == ("backbone", "causal-lm", PARAMETERS)
    assert SMALL.name == "small"

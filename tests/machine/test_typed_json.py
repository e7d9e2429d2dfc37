"""The typed reader: data of the declared form is read as it is, any other is named by its place."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbench.contract import Rule
from benchbench.machine import WrongForm, read_as

Share = Annotated[float, Rule("a number from 0 to 1", lambda number: 0 <= number <= 1)]


@dataclass(frozen=True)
class Leaf:
    kind: Literal["oak", "elm"]
    share: Share = 0.5


@dataclass(frozen=True)
class Tree:
    name: str
    age: int
    tall: bool
    height: float
    leaves: tuple[Leaf, ...]
    by_name: Mapping[str, Leaf]
    place: tuple[int, float] = (0, 0.0)
    cost: Mapping[str, float | int | None] = field(default_factory=dict)
    curve: Sequence[Mapping[str, Any]] = ()
    nest: Leaf | None = None
    value: str | int | float | bool = ""

    @staticmethod
    def fields_of(data):
        return {name: value for name, value in data.items() if name != "former"}

    def check(self):
        if self.age < len(self.leaves):
            raise ValueError("it is too young for its leaves")


WHOLE = {
    "name": "a", "age": 9, "tall": True, "height": 1, "leaves": [{"kind": "oak"}],
    "by_name": {"x y": {"kind": "elm", "share": 1}}, "place": [1, 2.5],
    "cost": {"s": None, "n": 3, "f": 0.5}, "curve": [{"a": [1, {"b": None}]}],
    "nest": {"kind": "oak"}, "value": True,
}  # fmt: skip


def test_data_of_the_declared_form_is_read_as_it_is():
    tree = read_as(Tree, WHOLE)
    assert tree.leaves == (Leaf("oak"),)
    assert tree.by_name == {"x y": Leaf("elm", 1)}
    assert (tree.place, tree.value, tree.nest) == ((1, 2.5), True, Leaf("oak"))
    assert type(tree.height) is type(tree.cost["n"]) is int, "a number keeps its spelling"
    assert read_as(Tree, json.loads(json.dumps(asdict(tree)))) == tree


def test_fields_with_a_default_may_be_missing_and_former_fields_are_left_out():
    least = {name: WHOLE[name] for name in ("name", "age", "tall", "height", "leaves", "by_name")}
    assert read_as(Tree, {**least, "former": object()}).place == (0, 0.0)


def deep(levels):
    value = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": None}, "name is null; expected a text"),
        ({"name": "x" * 100_001}, "name has 100,001 characters; at most 100,000 are read"),
        ({"age": True}, "age is true; expected a whole number"),
        ({"age": 1.0}, "age is 1.0; expected a whole number"),
        ({"age": 2**63}, f"age is {2**63}; expected a whole number of 64 bits"),
        ({"tall": 1}, "tall is 1; expected true or false"),
        ({"height": "1"}, 'height is "1"; expected a number'),
        ({"height": float("nan")}, "height is NaN; expected a number within ±1e+100"),
        ({"height": 1e101}, "height is 1e+101; expected a number within ±1e+100"),
        ({"height": 10**400}, f"height is {str(10**400)[:60]}...; expected a whole number of 64 "
                              "bits"),
        ({"leaves": {}}, "leaves is a table of 0 names; expected a list"),
        ({"leaves": [{"kind": "ash"}]},
         'leaves[0].kind is "ash"; expected one of "oak", "elm"'),
        ({"leaves": [{"kind": []}]},
         'leaves[0].kind is a list of 0 values; expected one of "oak", "elm"'),
        ({"leaves": [{}]}, "leaves[0].kind is missing"),
        ({"leaves": [3]}, "leaves[0] is 3; expected a table of names and values"),
        ({"by_name": {"x y": {"kind": "elm", "share": 2}}},
         'by_name["x y"].share is 2; expected a number from 0 to 1'),
        ({"by_name": {"\x1b\u202e": 1}},
         'by_name["\\u001b\\u202e"] is 1; expected a table of names and values'),
        ({"place": [1]}, "place is a list of 1 values; expected a list of 2 values"),
        ({"place": ["x", 1]}, 'place[0] is "x"; expected a whole number'),
        ({"cost": {"s": True}}, "cost.s is true; expected a number"),
        ({"cost": {"s": []}}, "cost.s is a list of 0 values; expected a number"),
        ({"curve": [{"a": 10**400}]}, f"curve[0].a is {str(10**400)[:60]}...; expected a whole "
                                      "number of 64 bits"),
        ({"curve": [{"a": deep(40)}]}, "is nested deeper than 32 levels"),
        ({"nest": 3}, "nest is 3; expected a table of names and values"),
        ({"value": None}, "value is null; expected"),
        ({"value": [1]}, "value is a list of 1 values; expected"),
        ({"age": 0}, "it: it is too young for its leaves"),
        ({"other": 1}, "other is not a known field"),
    ],
)  # fmt: skip
def test_data_of_another_form_is_named_by_its_place(changes, message):
    with pytest.raises(WrongForm) as caught:
        read_as(Tree, {**WHOLE, **changes})
    assert message in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 250


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
)


@given(st.sampled_from(sorted(WHOLE)), PLAIN)
def test_any_value_in_any_field_is_read_or_refused_in_one_line(name, value):
    try:
        read_as(Tree, {**WHOLE, name: value})
    except WrongForm as error:
        assert str(error).isprintable()

"""The one spelling of plain data, and digests of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbench.machine.digests import canonical, digest

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")], ids=str)
def test_a_number_that_json_does_not_know_has_no_canonical_spelling(value):
    with pytest.raises(ValueError, match="JSON"):
        canonical({"metrics": [value]})


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(), PLAIN, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(data, random):
    items = list(data.items())
    random.shuffle(items)
    assert canonical(dict(items)) == canonical(data)


def test_the_canonical_spelling_is_one_line_of_utf8():
    assert canonical({"b": 1, "a": "Größe"}) == '{"a":"Größe","b":1}\n'.encode()


def test_a_name_that_is_no_text_can_be_spelled_all_the_same():
    assert digest("caf\udce9.csv") != digest("caf\udcea.csv")

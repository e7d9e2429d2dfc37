"""A report tells where and of what kind a fault is, and not what the row holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbench.records.publishable import kind_of_fault

FAULTS = [
    ("t.csv:3: 'weight': expected 1, found 'minus one'", "t.csv:3: 'weight': expected 1"),
    ("t.csv:3: expected 2 fields, found 3; put quotes around it", "t.csv:3: expected 2 fields"),
    ("train, row 3: 'label' is a list; set kind", "train, row 3: ... is a list; set kind"),
    ("train/A/x.xml: 'A0' is not an IPC code", "train/A/x.xml: ... is not an IPC code"),
    ("t.csv:3: the text is empty (text)", "t.csv:3: the text is empty (text)"),
    ("t.jsonl:3: unknown column 'x'. Available: a, b.", "t.jsonl:3: unknown column ...."),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "told"), FAULTS)
def test_the_place_the_column_and_the_kind_of_a_fault_are_told(reason, told):
    assert kind_of_fault(reason) == told


@given(st.text())
def test_no_content_after_found_or_in_quotes_is_told(content):
    marked = f"<{content}>"
    assert marked not in kind_of_fault(f"t.csv:3: 'weight': expected a number, found {marked!r}")
    assert marked not in kind_of_fault(f"t.csv:3: expected a number, found {marked}")

"""A share of the training documents: a name of its own, and a key of its own only below 1."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbench import Cell, Reference
from benchbench.catalog import TRAINING_SHARE, at_share, share_of, whole_of
from benchbench.records.identity import cell_id
from tests.support.building import Table, catalog_of

WHOLE = Reference("csv", "claims", {"path": "claims.csv", "limit": 50})


@given(st.floats(1e-6, 1))
def test_a_share_leads_back_to_the_whole(share):
    part = at_share(WHOLE, share)
    assert share_of(part) == share
    assert whole_of(part) == WHOLE
    assert (part == WHOLE) == (share == 1)


def test_the_title_of_a_cell_names_the_share():
    cell = Cell(at_share(WHOLE, 0.25), Reference("head", "head"), Reference("llama", "llama"), 0)
    assert cell.title == "head · llama · claims · 25 % of training · seed 0"


def test_the_whole_has_the_reference_the_parameters_and_the_id_that_it_always_had():
    catalog = catalog_of(datasets=[Table()])
    whole = Reference("claims", "claims", {"limit": 50})
    method = Reference("head", "head")
    assert at_share(whole, 1.0) is whole
    assert TRAINING_SHARE not in catalog.resolved("dataset", at_share(whole, 1.0))
    assert catalog.resolved("dataset", at_share(whole, 0.5))[TRAINING_SHARE] == 0.5
    ids = {cell_id(Cell(at_share(whole, share), method, None, 0)) for share in (1.0, 0.5, 0.25)}
    assert len(ids) == 3
    # what boards of earlier versions hold
    assert cell_id(Cell(WHOLE, method, None, 0)) == (
        "cfd8946be77644ca7f699f9886464fc8233245368cbb1bc575bf5c48f57075a7"
    )


@pytest.mark.parametrize("value", [0.0, 1.0, 2.0, "0.5", True, 1])
def test_what_is_no_share_is_the_whole(value):
    strange = Reference("csv", "claims", {TRAINING_SHARE: value})
    assert share_of(strange) == 1
    assert whole_of(strange) == strange


def test_no_user_and_no_plugin_sees_the_parameter():
    catalog = catalog_of(datasets=[Table()])
    names = {parameter.name for parameter in catalog.parameters("dataset", "claims")}
    assert TRAINING_SHARE not in names

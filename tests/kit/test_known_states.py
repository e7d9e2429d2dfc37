"""Known states are given to a model for exactly the rows that they belong to."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from benchbench.kit.frozen_layers import KNOWN
from benchbench.kit.known_states import KnownStates, inputs_of, know, known_of, name_of

BEFORE, ROWS = (1, 2), [(3, 4), (5,)]
STATES = torch.arange(10.0).view(5, 2)


@pytest.fixture
def model():
    places = {name_of((), BEFORE): (0, 2), name_of(BEFORE, (3, 4)): (2, 2)}
    places[name_of(BEFORE, (5,))] = (4, 1)
    model = SimpleNamespace()
    know(model, KnownStates(lambda start, length: STATES[start : start + length], places, common=2))
    return model


def test_states_stand_in_the_order_of_the_rows_padded_on_the_right(model):
    ids = torch.tensor([[5, 0], [3, 4]])
    inputs = inputs_of(model, [(5,), (3, 4)], ids, BEFORE)
    assert inputs.pop(KNOWN) is True
    assert inputs["inputs_embeds"].tolist() == [[[8, 9], [0, 0]], [[4, 5], [6, 7]]]
    assert list(inputs) == ["inputs_embeds"]


@pytest.mark.parametrize(
    ("rows", "before"),
    [([(3, 4), (6,)], BEFORE), ([(3, 4)], ()), ([(3,)], (*BEFORE, 4)), ([(4,)], (1, 2, 3))],
    ids=["another row", "no beginning", "in another order", "the end of a row"],
)
def test_a_row_that_is_not_known_is_computed(model, rows, before):
    ids = torch.tensor([[0]])
    assert inputs_of(model, rows, ids, before) == {"input_ids": ids}


def test_a_model_that_knows_none_computes_every_row(model):
    ids = torch.tensor([[5]])
    know(model, None)
    assert known_of(model) is None
    assert known_of(SimpleNamespace()) is None
    assert inputs_of(model, [(5,)], ids, BEFORE) == {"input_ids": ids}

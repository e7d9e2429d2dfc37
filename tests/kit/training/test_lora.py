"""Adapters sit on the seven projections, and what is saved comes back."""

from __future__ import annotations

import pytest

from benchbench.kit.training import lora
from tests.support.models import load_model, write_model

SEVEN = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


@pytest.mark.parametrize("layers", [1, 4], ids=["few-modules", "more-than-peft-lists"])
def test_an_adapter_comes_back_on_the_same_layers_with_the_same_numbers(tmp_path, layers):
    import torch

    folder = write_model(tmp_path / "model", layers=layers)
    model = load_model(folder).model
    lora.attach(model, {"rank": 4, "alpha": 8.0, "dropout": 0.0}, seed=0)
    for tensor in lora.adapter_outputs(model):
        torch.nn.init.normal_(tensor)
    (tmp_path / "saved").mkdir()
    lora.save_adapter(model, tmp_path / "saved")
    fresh = load_model(folder).model
    lora.load_adapter(fresh, tmp_path / "saved")
    expected, found = lora.adapter_tensors(model), lora.adapter_tensors(fresh)
    assert len(found) == 14 * layers
    assert {name.split(".")[-3] for name in found} == SEVEN
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())

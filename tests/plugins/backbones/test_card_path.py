"""A backbone with a card can be read from a local folder in the place of the hub."""

from __future__ import annotations

import pytest
from benchbench_backbones.cards import CARDS
from benchbench_backbones.pretrained_model import PretrainedModel

from benchbench import BenchbenchError, Skip
from benchbench.contract import resolve
from tests.support.models import write_encoder, write_model

CARD = next(card for card in CARDS if card.name == "smollm2-135m-instruct")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("models") / "local", ["some text"])


def settled(model, **params):
    """Return all parameters of a model, with the defaults of those that are not given."""
    values, faults = resolve(model.name, model.parameters, params)
    assert not faults
    return values


def test_a_path_takes_the_place_of_the_hub(folder):
    model = PretrainedModel.from_card(CARD)
    params = settled(model, path=str(folder))
    local = PretrainedModel.from_folder(folder)
    expected = local.identity(settled(local), offline=True)
    assert model.identity(params, offline=True) == expected
    loaded = model.load(params, device="cpu", dtype="float32")
    assert loaded.facts["total_parameters"] < 1e6
    assert (model.name, model.licence) == (CARD.name, "apache-2.0")


def test_without_a_path_the_hub_is_asked(tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    model = PretrainedModel.from_card(CARD)
    with pytest.raises(Skip, match=r"hf download HuggingFaceTB/SmolLM2-135M-Instruct"):
        model.identity(settled(model), offline=True)


def test_a_path_to_nothing_and_one_to_another_kind_are_refused_in_one_line(folder, tmp_path):
    model = PretrainedModel.from_card(CARD)
    with pytest.raises(BenchbenchError, match=r"is no folder and no \.gguf file"):
        model.identity(settled(model, path=str(tmp_path / "gone")), offline=True)
    encoder = write_encoder(tmp_path / "encoder", ["some text"])
    with pytest.raises(BenchbenchError, match=r"kind causal-lm.*one of kind encoder \(bert\)"):
        model.identity(settled(model, path=str(encoder)), offline=True)

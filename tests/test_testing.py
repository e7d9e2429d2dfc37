"""The contract checks pass what holds to the contract, and catch what does not."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from benchbench import LoaderError
from benchbench.catalog.lookup import load_catalog
from benchbench.contract import hookspecs
from benchbench.testing import check_backbone, check_dataset, check_method
from tests.support.models import bind_model, write_encoder, write_model

MESSAGES = Path(__file__).parent / "data" / "messages.csv"
TABLE = {"path": str(MESSAGES), "text": "text", "label": "topic"}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("model") / "tiny", MESSAGES.read_text().split())


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return write_encoder(tmp_path_factory.mktemp("model") / "bert", MESSAGES.read_text().split())


@pytest.fixture
def stranger(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent / "thirdparty")
    yield __import__("benchbench_stranger")
    for name in [name for name in sys.modules if name.startswith("benchbench_stranger")]:
        del sys.modules[name]


@pytest.mark.parametrize("kind", ["single-label", "multi-label"])
@pytest.mark.parametrize("name", sorted(load_catalog().methods))
def test_our_own_methods_hold_to_the_contract(model, encoder, name, kind):
    method = load_catalog().methods[name]
    quick = {"epochs": 1, "document_tokens": 16}
    declared = {parameter.name for parameter in method.parameters}
    params = {key: value for key, value in quick.items() if key in declared}
    backbones = {"causal-lm": (model, "nf4"), "encoder": (encoder, "none")}
    backbone = bind_model(*backbones[method.backbone_kinds[0]]) if method.backbone_kinds else None
    check_method(method, kind=kind, backbone=backbone, params=params)


def test_the_table_and_a_local_backbone_hold_to_the_contract(model):
    corpus = check_dataset(load_catalog().datasets["csv"], TABLE)
    assert len(corpus.labels) == 5
    check_backbone(load_catalog().backbone(str(model)))


def test_a_strangers_things_hold_to_the_contract(stranger, model):
    check_dataset(stranger.Weather(), {"documents": 20})
    check_backbone(stranger.TinyRandomLlama())
    check_method(stranger.NearestCentre(), kind="single-label", backbone=bind_model(model))


class Constant:
    """A classifier with one planted fault."""

    hard = False

    def __init__(self, fault, labels):
        self.fault, self.labels = fault, labels
        self.facts = {"share": np.float32(1)} if fault == "facts" else {}

    def predict_logits(self, texts):
        logits = np.full((len(texts), self.labels), 0.5, np.float32)
        if self.fault == "order":
            logits[:, 0] = np.arange(len(texts))
        if self.fault == "nan":
            logits[0, 0] = np.nan
        if self.fault == "dtype":
            return logits.astype(np.float64)
        return logits[:, 1:] if self.fault == "shape" else logits

    def save(self, folder):
        (folder / "labels").write_text(str(self.labels))


class Planted:
    name = "planted"
    description = "One fault"
    parameters = ()
    kinds = ("single-label",)
    backbone_kinds = ()
    seeded = False

    def __init__(self, fault):
        self.fault = fault

    def fit(self, task):
        return Constant(self.fault, len(task.labels))

    def load(self, folder, backbone):
        classifier = Constant(self.fault, int((folder / "labels").read_text()))
        if self.fault == "load":
            classifier.predict_logits = lambda texts: np.zeros((len(texts), 3), np.float32)
        return classifier


FAULTS = {
    "order": "depend on the order",
    "nan": "not a finite number",
    "dtype": "float64, expected float32",
    "shape": "logits are",
    "load": "after save and load predictions differ",
    "facts": "not JSON serializable",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_of_a_method_is_caught(fault):
    check_method(Planted("none"), kind="single-label")
    with pytest.raises((AssertionError, TypeError), match=FAULTS[fault]):
        check_method(Planted(fault), kind="single-label")


def test_a_method_is_not_checked_on_what_it_does_not_take():
    with pytest.raises(AssertionError, match="does not take multi-label data"):
        check_method(Planted("none"), kind="multi-label")


def test_a_dataset_that_changes_from_load_to_load_is_caught(stranger, monkeypatch):
    weather = stranger.Weather()
    module = sys.modules["benchbench_stranger.dataset"]
    calls, rows = [], module.rows

    def drifting(params):
        calls.append(1)
        return (row._replace(text=f"{row.text} {len(calls)}") for row in rows(params))

    monkeypatch.setattr(module, "rows", drifting)
    with pytest.raises(AssertionError, match="loading twice gave different documents"):
        check_dataset(weather, {"documents": 10})


def test_a_table_with_a_fault_is_refused_as_anywhere_else():
    with pytest.raises(LoaderError, match="unknown column"):
        check_dataset(load_catalog().datasets["csv"], {**TABLE, "text": "txt"})


def test_the_api_version_is_public():
    import benchbench

    assert benchbench.API_VERSION == hookspecs.API_VERSION

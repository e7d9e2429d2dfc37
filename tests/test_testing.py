"""The contract checks pass what holds to the contract, and catch what does not."""

from __future__ import annotations

import doctest
import sys
from pathlib import Path

import numpy as np
import pytest

from benchbench import AdditiveMetric, BenchbenchError, LoaderError, Metric, Skip, testing
from benchbench.catalog.lookup import load_catalog
from benchbench.contract import hookspecs
from benchbench.contract.errors import PluginError
from benchbench.testing import check_backbone, check_dataset, check_method, check_metric
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
    check_method(stranger.NearestCentre(), backbone="nano-llama")


class Loading:
    """A method that loads its backbone, and decides nothing."""

    name = "loading"
    description = "Loads its backbone"
    parameters = ()
    kinds = ("single-label", "multi-label")
    backbone_kinds = ("causal-lm",)
    seeded = False

    def __init__(self):
        self.tasks = []

    def fit(self, task):
        self.tasks.append(task)
        assert task.backbone.load().facts["total_parameters"] > 0
        return Constant("none", len(task.labels))

    def load(self, folder, backbone):
        assert backbone == self.tasks[0].backbone
        return Constant("none", int((folder / "labels").read_text()))


FORMS = {
    "name": lambda model: "nano-llama",
    "folder": lambda model: model,
    "path-as-text": lambda model: str(model),
    "backbone": lambda model: load_catalog().backbone(str(model)),
    "bound": lambda model: bind_model(model),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_method_is_checked_with_a_backbone_in_any_form(model, form):
    method = Loading()
    check_method(method, backbone=FORMS[form](model))
    (task,) = method.tasks
    assert task.kind == "single-label", "the method's first kind"
    assert task.backbone.backbone.name == ("nano-llama" if form == "name" else "tiny")
    assert (task.backbone.device, task.backbone.dtype) == ("cpu", "float32")
    declared = {
        parameter.name: parameter.default for parameter in task.backbone.backbone.parameters
    }
    bound = {"quantization": "none"} if form == "bound" else {}
    assert task.backbone.params == {**declared, **bound}


@pytest.mark.parametrize("form", [form for form in FORMS if form != "bound"])
def test_a_backbone_is_checked_in_any_form(model, form):
    check_backbone(FORMS[form](model), {"quantization": "none"})


@pytest.mark.parametrize("check", [
    check_backbone, lambda backbone: check_method(Loading(), backbone=backbone)
])  # fmt: skip
def test_a_name_or_a_folder_that_does_not_exist_is_told(check):
    with pytest.raises(BenchbenchError, match="Did you mean 'nano-llama'"):
        check("nano-lama")
    with pytest.raises(BenchbenchError, match="no such folder"):
        check(Path("models/nothing"))  # a folder, and never the hub id models/nothing


def test_weights_of_a_hub_id_that_are_not_on_this_machine_are_skipped():
    with pytest.raises(Skip):
        check_backbone("nobody/nothing-of-that-name")


def test_the_examples_in_the_docstrings_run(monkeypatch):
    catalog = load_catalog()
    names = {
        "MyMethod": lambda: catalog.method("embedding-head"),
        "MY_METRIC": Metric("one", "one", "plugins", ("single-label",), lambda scored: 1.0),
        "MyDataset": lambda: catalog.dataset("demo-claims"),
    }
    results = doctest.testmod(testing, extraglobs=names, raise_on_error=True)
    assert results.attempted >= 4


def test_a_backbone_of_a_kind_that_the_method_does_not_take_is_told(encoder):
    with pytest.raises(AssertionError, match="loading takes causal-lm, bert is encoder"):
        check_method(Loading(), backbone=encoder)


def test_a_backbone_is_needed_where_the_method_takes_one_and_not_elsewhere():
    with pytest.raises(AssertionError, match="loading takes backbones of"):
        check_method(Loading())
    with pytest.raises(AssertionError, match="planted takes backbones of no kind"):
        check_method(Planted("none"), backbone="nano-llama")


FAULTY_FACTS = {
    "facts": {"share": np.float32(1)},
    "training": {"training": {"minimises": "loss"}},
    "exact-best": {"exact_best": "3"},
}


class Constant:
    """A classifier with one planted fault."""

    hard = False

    def __init__(self, fault, labels):
        self.fault, self.labels = fault, labels
        self.facts = FAULTY_FACTS.get(fault, {})

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
    "training": "is not TrainingFacts",
    "exact-best": "not a number of scores",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_of_a_method_is_caught(fault):
    check_method(Planted("none"), kind="single-label")
    with pytest.raises((AssertionError, TypeError), match=FAULTS[fault]):
        check_method(Planted(fault), kind="single-label")


def test_members_are_checked_as_they_are_when_the_plugin_is_loaded(stranger):
    class Misspelled(Planted):
        def require(self, cell):
            return ()

    class Licensed(stranger.TinyRandomLlama):
        license = "mit"

    with pytest.raises(PluginError, match=r"'under test': method 'planted' .*'requires'"):
        check_method(Misspelled("none"))
    with pytest.raises(PluginError, match=r"'under test': backbone .*'licence'"):
        check_backbone(Licensed())
    with pytest.raises(PluginError, match=r"supply an object: Weather\(\)"):
        check_dataset(stranger.Weather)


def test_a_method_is_not_checked_on_what_it_does_not_take():
    with pytest.raises(AssertionError, match="does not take multi-label data"):
        check_method(Planted("none"), kind="multi-label")


def test_a_dataset_that_changes_from_load_to_load_is_caught(stranger, monkeypatch):
    weather = stranger.Weather()
    module = sys.modules["benchbench_stranger.dataset"]
    calls, reports = [], module.reports

    def drifting(count, labels):
        calls.append(1)
        for report in reports(count, labels):
            yield report._replace(text=f"{report.text} {len(calls)}")

    monkeypatch.setattr(module, "reports", drifting)
    with pytest.raises(AssertionError, match="loading twice gave different documents"):
        check_dataset(weather, {"documents": 10})


def test_a_table_with_a_fault_is_refused_as_anywhere_else():
    with pytest.raises(LoaderError, match="unknown column"):
        check_dataset(load_catalog().datasets["csv"], {**TABLE, "text": "txt"})


def test_the_api_version_is_public():
    import benchbench

    assert benchbench.API_VERSION == hookspecs.API_VERSION


def test_an_encoder_is_checked_by_its_hidden_states():
    check_backbone("nano-patent-bert")


METRIC_FAULTS = {
    "no-number": ("share", lambda scored: "high", "no number"),
    "outside": ("share", lambda scored: 1.5, "outside of its limits"),
    "documents": (
        "share",
        lambda scored: AdditiveMetric.mean(np.ones(2)),
        "sums of 2 documents",
    ),
}


@pytest.mark.parametrize("fault", METRIC_FAULTS)
def test_a_metric_that_breaks_the_contract_is_found(fault):
    name, function, words = METRIC_FAULTS[fault]
    with pytest.raises(AssertionError, match=words):
        check_metric(Metric(name, name, "plugins", ("single-label",), function, limits=(0.0, 1.0)))


def test_a_metric_that_keeps_the_contract_passes_on_both_kinds_of_data():
    def right(scored):
        same = (scored.decided() == scored.predictions.gold).all(axis=1)
        return AdditiveMetric.mean(same.astype(float))

    seen = []

    def noting(scored):
        seen.append((scored.kind, right(scored).value()))
        return right(scored)

    kinds = ("single-label", "multi-label")
    check_metric(Metric("right", "right", "plugins", kinds, noting, limits=(0.0, 1.0)))
    check_metric(Metric("none", "none", "plugins", kinds, lambda scored: None))
    assert [value for kind, value in seen if kind == "single-label"] == [1.0, 0.0, 1.0]
    assert [value for kind, value in seen if kind == "multi-label"] == [1.0, 0.0, 1.0]

"""What needs a second plugin: generated files, folders of weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import pytest

from benchbench import BackboneFolder, Parameter, Reference, Shape
from benchbench.catalog.plugins import Plugin
from benchbench.contract.errors import PluginError
from benchbench.planning.preparation import prepare
from tests.support.building import Net, Table, Way, catalog_of, cell, plugin


@dataclass(frozen=True)
class Made:
    """Generates a file for the dataset `claims`."""

    name: str = "made"
    description: str = "generated"
    reads: str = "claims"
    parameters: tuple = (Parameter("documents", int, 3, "how many"),)
    given: tuple = ()

    def kind(self, params):
        return "multi-label"

    def generate(self, params, folder):
        (folder / "table").write_text("x" * params["documents"])
        return {"path": str(folder / "table"), **dict(self.given)}


@dataclass(frozen=True)
class Reader(Table):
    """Returns its arguments in place of a corpus."""

    def load(self, params, folder):
        return dict(params), Path(params["path"]).read_text(), folder


def test_what_is_generated_is_read_by_the_dataset_that_is_named(tmp_path):
    dataset = catalog_of(datasets=[Made(), Reader()]).dataset("made")
    assert (dataset.name, dataset.description, dataset.kind({})) == (
        "made",
        "generated",
        "multi-label",
    )
    params, text, folder = dataset.load({"documents": 5, "split_seed": 7, "limit": 2}, tmp_path)
    assert text == "xxxxx"
    assert params["split_seed"] == 7
    assert params["limit"] == 0, "the limit is kept once, by the harness"
    assert folder != tmp_path
    assert tmp_path in folder.parents


def test_parameters_that_the_reader_refuses_are_the_generators_fault(tmp_path):
    catalog = catalog_of(datasets=[Made(given=(("lable", "x"),)), Reader()])
    with pytest.raises(PluginError, match=r"'made' gives its reader 'claims' wrong.*lable"):
        catalog.dataset("made").load({"documents": 1}, tmp_path)


def test_a_reader_that_is_not_installed_is_named(tmp_path):
    with pytest.raises(Exception, match=r"claims"):
        catalog_of(datasets=[Made()]).dataset("made").load({"documents": 1}, tmp_path)


def test_a_generator_that_lacks_a_member_is_refused():
    class Half:
        name = "half"
        reads = "claims"

        def generate(self, params, folder):
            return {}

    with pytest.raises(PluginError, match=r"lacks description, kind, parameters.*Generator"):
        catalog_of(datasets=[Half()])


def loader(reference):
    """Load any folder."""
    return Net() if reference.startswith("/") else None


FOLDER = BackboneFolder("nano", "encoder", "bert", "small", Path("/nano"))


def test_a_folder_is_loaded_by_the_plugin_that_loads_folders():
    brings = plugin("brings", backbones=[FOLDER])
    loads = plugin("loads", resolve_backbone=loader)
    backbone = catalog_of(brings, loads).backbone("nano")
    assert (backbone.name, backbone.kind, backbone.family) == ("nano", "encoder", "bert")
    assert backbone.parameters == Net().parameters
    assert backbone.identity({}, offline=True) == Net().identity({}, offline=True)


@pytest.mark.parametrize("sizes", [None, Shape(2, 64, 128, 4, 4, 16, 100)])
def test_a_folder_has_the_shape_that_the_plugin_that_loads_it_knows(sizes):
    class Sized(Net):
        def shape(self):
            return sizes

    for model, shape in ((Sized(), sizes), (Net(), None)):
        loads = plugin("loads", resolve_backbone=lambda reference, model=model: model)
        catalog = catalog_of(plugin("brings", backbones=[FOLDER]), loads)
        assert catalog.backbone("nano").shape() == shape


def test_a_folder_that_nothing_loads_is_told_when_it_is_needed():
    catalog = catalog_of(backbones=[FOLDER])
    with pytest.raises(PluginError, match=r"'nano' is a folder, and no installed plugin loads"):
        catalog.backbone("nano").identity({}, offline=True)


def test_the_plugins_that_read_and_load_for_others_are_among_those_of_a_cell():
    catalog = catalog_of(
        plugin("maker", datasets=[Made()], methods=[Way()], backbones=[FOLDER]),
        plugin("reader", datasets=[Reader()]),
        plugin("loads", resolve_backbone=loader),
    )
    names = ("maker", "reader", "loads")
    installed = {name: Plugin(name, name, "1.0", ModuleType(name)) for name in names}
    catalog = replace(catalog, plugins=installed)
    made = cell(dataset="made", backbone="nano")
    assert [supplier.name for supplier in catalog.plugins_of(made)] == ["loads", "maker", "reader"]


def test_prepare_takes_a_generated_dataset_from_the_cache(tmp_path, monkeypatch):
    from benchbench.catalog.lookup import load_catalog

    monkeypatch.setenv("BENCHBENCH_CACHE", str(tmp_path))
    reference = Reference("demo-claims", "demo-claims", {"documents": 120})
    first = prepare(reference, load_catalog())
    stamp = (first.folder / "corpus.json").stat().st_mtime_ns
    assert prepare(reference, load_catalog()) == first
    assert (first.folder / "corpus.json").stat().st_mtime_ns == stamp
    other = replace(reference, params={"documents": 121})
    assert prepare(other, load_catalog()).fingerprint != first.fingerprint

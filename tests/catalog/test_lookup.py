"""The catalog: names and references -> what plugins supply."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from benchbench import Parameter, Reference
from benchbench.catalog.lookup import COMMON_DATASET_PARAMETERS, load_catalog
from benchbench.contract.errors import BenchbenchError, LoaderError, PluginError, UnknownName
from tests.support.building import Net, Table, Way, alone, catalog_of, cell, install, plugin

MAKE = {"dataset": Table, "method": Way, "backbone": Net}


def refused(*plugins, **suppliers):
    with pytest.raises(PluginError) as caught:
        catalog_of(*plugins, **suppliers)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("noun", MAKE)
def test_two_things_of_one_name_are_refused_and_both_plugins_named(noun):
    first = plugin("first", **{f"{noun}s": [MAKE[noun]("same")]})
    second = plugin("second", **{f"{noun}s": [MAKE[noun]("same")]})
    message = refused(first, second)
    assert message.startswith(f"{noun.capitalize()} 'same'")
    assert "'first'" in message
    assert "'second'" in message


@pytest.mark.parametrize("noun", MAKE)
def test_two_things_of_one_name_in_one_plugin_are_refused(noun):
    assert "'same'" in refused(**{f"{noun}s": [MAKE[noun]("same"), MAKE[noun]("same")]})


@pytest.mark.parametrize(
    ("noun", "missing"),
    [
        ("dataset", "description, kind, load, parameters, source"),
        ("method", "backbone_kinds, description, fit, kinds, load, parameters, seeded"),
        ("backbone", "description, family, identity, kind, load, parameters"),
        ("executor", "run"),
    ],
)
def test_a_thing_that_lacks_attributes_is_refused_and_all_of_them_named(noun, missing):
    message = refused(**{f"{noun}s": [SimpleNamespace(name="half")]})
    assert f"'made' supplies a {noun} that lacks {missing}:" in message
    assert f"benchbench.contract.protocols.{noun.capitalize()}" in message


def test_a_class_in_place_of_an_object_is_refused():
    assert "supply an object: Table()" in refused(datasets=[Table])


def raising(error):
    def supply():
        raise error

    return supply


@pytest.mark.parametrize(
    ("supplier", "reason"),
    [
        pytest.param(raising(RuntimeError("no\ntable")), "RuntimeError: no table", id="it-raises"),
        pytest.param(lambda: None, "TypeError", id="it-returns-nothing"),
        pytest.param(lambda: 3, "TypeError", id="it-returns-a-number"),
    ],
)
@pytest.mark.parametrize("noun", ["datasets", "methods", "backbones", "baselines", "metrics"])
def test_a_supplier_that_fails_is_named(noun, supplier, reason):
    message = refused(**{noun: supplier})
    assert f"Plugin 'made': hook 'benchbench_{noun}' raised" in message
    assert reason in message


def test_grids_of_a_plugin_stand_beside_ours(tmp_path):
    catalog = catalog_of(grids={"theirs": tmp_path / "theirs.toml"})
    assert catalog.grid("theirs") == tmp_path / "theirs.toml"
    assert catalog.grid("own-data").exists()
    assert str(catalog.grid("./mine.toml")) == "mine.toml"
    with pytest.raises(UnknownName, match="Did you mean 'theirs'"):
        catalog.grid("thiers")


@pytest.mark.parametrize(
    "grids", [{"own-data": "x.toml"}, lambda: None], ids=["ours-already", "nothing"]
)
def test_grids_that_cannot_be_taken_are_refused_and_their_plugin_named(grids):
    assert "'made'" in refused(grids=grids)


def test_an_unknown_name_is_answered_with_the_nearest():
    catalog = catalog_of(
        datasets=[Table("claims")], methods=[Way("head")], backbones=[Net("llama")]
    )
    for ask, nearest in (
        (lambda: catalog.dataset("clams"), "claims"),
        (lambda: catalog.dataset_reference("clams"), "claims"),
        (lambda: catalog.method("haed"), "head"),
        (lambda: catalog.backbone("lama"), "llama"),
        (lambda: catalog.backbone_reference("lama"), "llama"),
    ):
        with pytest.raises(UnknownName, match=f"Did you mean '{nearest}'"):
            ask()


def resolving(noun, function):
    """Return a plugin with a resolver: pluggy looks at a hook's arguments by name."""

    def resolver(reference):
        return function(reference)

    return plugin("resolver", **{f"resolve_{noun}": resolver})


def test_a_path_is_what_the_first_resolver_says():
    def resolve(reference):
        return Reference("claims", "mine", {"path": reference}) if "." in reference else None

    catalog = catalog_of(
        plugin("tables", datasets=[Table("claims")]), resolving("dataset", resolve)
    )
    assert catalog.dataset_reference("a.csv") == Reference("claims", "mine", {"path": "a.csv"})
    assert catalog.dataset_reference("claims") == Reference("claims", "claims")
    with pytest.raises(UnknownName):
        catalog.dataset_reference("nothing")


def test_a_resolved_backbone_is_remembered_with_its_plugin():
    catalog = catalog_of(resolving("backbone", lambda reference: Net("from-" + reference)))
    assert catalog.backbone_reference("hub") == Reference("hub", "from-hub")
    assert catalog.backbone("hub") is catalog.backbone("hub")
    assert catalog.sources["backbone", "hub"] == "resolver"


def test_a_resolver_that_fails_is_named_and_a_users_fault_is_passed_on():
    def fall(reference):
        raise OSError(36, "File name too long")

    def complain(reference):
        raise LoaderError("that table is empty")

    with pytest.raises(PluginError, match="'resolver': hook 'benchbench_resolve_dataset' raised"):
        catalog_of(resolving("dataset", fall)).dataset_reference("x" * 5000)
    with pytest.raises(LoaderError, match="empty"):
        catalog_of(resolving("dataset", complain)).dataset_reference("x")


def test_a_resolver_that_gives_no_backbone_is_refused():
    catalog = catalog_of(resolving("backbone", lambda reference: "a model"))
    with pytest.raises(PluginError, match="supplies a backbone that lacks"):
        catalog.backbone("hub")


def test_every_dataset_takes_the_common_parameters():
    catalog = catalog_of(datasets=[Table("claims")])
    names = [parameter.name for parameter in catalog.parameters("dataset", "claims")]
    assert names == ["path", *(parameter.name for parameter in COMMON_DATASET_PARAMETERS)]
    assert catalog.resolved("dataset", Reference("claims", "x", {"limit": "5"})) == {
        "path": "here",
        "limit": 5,
        "split_seed": 0,
    }


def test_a_faulty_reference_is_told_by_the_name_it_was_given():
    catalog = catalog_of(methods=[Way("head", parameters=(Parameter("rank", int, None, "rank"),))])
    _, faults = catalog.resolve("method", Reference("head", "mine", {"rnak": 3}))
    assert [fault.split(" ")[0] for fault in faults] == ["unknown", "'mine.rank'"]


SUPPLY = """
from benchbench import hookimpl
from tests.support.building import {kind}


@hookimpl
def benchbench_{noun}s():
    return [{kind}({name!r})]
"""


def test_the_plugins_of_a_cell_are_those_that_supply_its_parts(tmp_path, monkeypatch):
    parts = (
        ("dataset", "Table", "claims"),
        ("method", "Way", "head"),
        ("backbone", "Net", "llama"),
    )
    folders = [
        install(tmp_path, f"a-{noun}", SUPPLY.format(noun=noun, kind=kind, name=name))
        for noun, kind, name in parts
    ]
    folders.append(install(tmp_path, "unused", "x = 1\n"))
    alone(monkeypatch, *folders)
    catalog = load_catalog()
    assert [one.name for one in catalog.plugins_of(cell())] == [
        "a-backbone",
        "a-dataset",
        "a-method",
    ]
    assert [one.name for one in catalog.plugins_of(cell(backbone=None))] == [
        "a-dataset",
        "a-method",
    ]


def test_what_the_catalog_raises_is_for_the_user():
    assert issubclass(UnknownName, BenchbenchError)
    assert issubclass(PluginError, BenchbenchError)

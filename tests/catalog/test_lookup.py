"""Looking up names and references, and what a path or a hub id stands for."""

from __future__ import annotations

import pytest

from benchbench import Parameter, Reference
from benchbench.catalog.lookup import COMMON_DATASET_PARAMETERS, load_catalog
from benchbench.contract.errors import BenchbenchError, LoaderError, PluginError, UnknownName
from tests.support.building import Net, Table, Way, alone, catalog_of, cell, install, plugin


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


class Plain:
    name = "plain"

    def run(self, jobs, progress):
        return iter(())


class Farm(Plain):
    name = "farm"
    parameters = (Parameter("retries", int, 3, "how often a cell runs again", minimum=0),)

    def __init__(self, settings=None):
        self.settings = settings

    def configured(self, params, jobs):
        return Farm((dict(params), jobs))


def test_an_executor_with_parameters_is_configured_with_a_value_for_each():
    catalog = catalog_of(executors=[Farm(), Plain()])
    assert catalog.configured_executor("farm", {"retries": "5"}, 2).settings == ({"retries": 5}, 2)
    assert catalog.configured_executor("farm", {}, None).settings == ({"retries": 3}, None)
    assert catalog.configured_executor("plain", {}, 2) is catalog.executor("plain")


def test_what_an_executor_does_not_take_is_refused():
    catalog = catalog_of(executors=[Farm(), Plain()])
    for name in ("farm", "plain"):
        with pytest.raises(BenchbenchError, match=f"unknown parameter '{name}.retires'"):
            catalog.configured_executor(name, {"retires": 5}, None)
    with pytest.raises(BenchbenchError, match=r"'farm.retries': expected a whole number"):
        catalog.configured_executor("farm", {"retries": -1}, None)


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
    assert [plugin.name for plugin in catalog.plugins_of(cell())] == [
        "a-backbone",
        "a-dataset",
        "a-method",
    ]
    assert [plugin.name for plugin in catalog.plugins_of(cell(backbone=None))] == [
        "a-dataset",
        "a-method",
    ]


def test_what_the_catalog_raises_is_for_the_user():
    assert issubclass(UnknownName, BenchbenchError)
    assert issubclass(PluginError, BenchbenchError)

"""What a plugin supplies has the members of its protocols, and a misspelled one is told."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from benchbench import (
    Configurable,
    HasLicence,
    HasRequirements,
    HasShape,
    HasWorkload,
    MayBeRemote,
    Parameter,
)
from benchbench.catalog.checks import OPTIONAL, members_of
from benchbench.contract.errors import PluginError
from tests.support.building import Net, Table, Way, catalog_of, plugin


class Place:
    name = "place"

    def run(self, jobs, progress):
        raise AssertionError("nothing runs here")


class Plain:
    """A method without optional members."""

    name, description, parameters = "plain", "nothing more than is asked for", ()
    kinds, backbone_kinds, seeded = ("single-label",), (), False

    def fit(self, task):
        raise AssertionError("nothing is fitted here")

    def load(self, folder, backbone):
        raise AssertionError("nothing is loaded here")


PLAIN = {"dataset": Table, "method": Plain, "backbone": Net, "executor": Place}


def with_members(noun, **members):
    """Return a sound dataset, method, backbone or executor that has these members too."""
    return type("Extended", (PLAIN[noun],), members)()


def refused(noun, item):
    with pytest.raises(PluginError) as caught:
        catalog_of(**{f"{noun}s": [item]})
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("noun", "missing"),
    [
        ("dataset", "description, kind, load, parameters, source"),
        ("method", "backbone_kinds, description, fit, kinds, load, parameters, seeded"),
        ("backbone", "description, family, identity, kind, load, parameters"),
        ("executor", "run"),
    ],
)
def test_a_thing_that_lacks_members_is_refused_and_all_of_them_named(noun, missing):
    message = refused(noun, SimpleNamespace(name="half"))
    assert f"'made' supplies a {noun} that lacks {missing}:" in message
    assert f"See benchbench.{noun.capitalize()}." in message


def test_a_required_member_that_is_misspelled_is_told():
    names = ("name", "description", "kind", "load", "source", "parameter")
    message = refused("dataset", SimpleNamespace(**dict.fromkeys(names, "x")))
    assert "lacks parameters" in message
    assert message.endswith("See benchbench.Dataset. Did you mean 'parameters' by 'parameter'?")


def test_a_class_in_place_of_an_object_is_refused():
    assert "supply an object: Table()" in refused("dataset", Table)


MISSPELLED = [
    ("method", "require", "requires"),
    ("method", "requirs", "requires"),
    ("method", "required", "requires"),
    ("method", "workloads", "workload"),
    ("method", "work_load", "workload"),
    ("backbone", "shapes", "shape"),
    ("backbone", "license", "licence"),
    ("backbone", "licences", "licence"),
    ("executor", "configure", "configured"),
    ("executor", "parameter", "parameters"),
    ("executor", "remotely", "remote"),
]


@pytest.mark.parametrize(("noun", "attribute", "member"), MISSPELLED)
def test_an_optional_member_that_is_misspelled_is_told(noun, attribute, member):
    item = with_members(noun, **{attribute: lambda self, *given: ()})
    message = refused(noun, item)
    assert message == (
        f"Plugin 'made': {noun} '{item.name}' has an attribute '{attribute}', which benchbench "
        f"does not use. Did you mean '{member}'? To keep it as it is, begin its name with an "
        f"underscore: '_{attribute}'."
    )
    catalog_of(**{f"{noun}s": [with_members(noun, **{f"_{attribute}": 1})]})


def test_a_misspelled_member_of_a_backbone_that_a_resolver_returns_is_told():
    def resolver(reference):
        return with_members("backbone", license="mit")

    catalog = catalog_of(plugin("resolver", resolve_backbone=resolver))
    with pytest.raises(PluginError, match=r"'resolver': backbone 'llama' .*'licence'"):
        catalog.backbone("hub")


@pytest.mark.parametrize("attribute", ["names", "kinds", "loaded", "source", "config", "weights"])
def test_a_name_that_is_near_a_member_that_is_there_is_no_misspelling(attribute):
    catalog_of(backbones=[with_members("backbone", **{attribute: "x"})])


def test_looking_for_misspelled_members_runs_no_property():
    def fall(self):
        raise RuntimeError("the card of the model is read here")

    catalog_of(backbones=[with_members("backbone", licence=property(fall), card=property(fall))])


def test_a_property_that_raises_is_told_with_its_plugin():
    def fall(self):
        raise RuntimeError("no\ntable")

    assert refused("method", with_members("method", description=property(fall))) == (
        "Plugin 'made': 'description' of a method raised RuntimeError: no table"
    )


@pytest.mark.parametrize(
    ("members", "lacking"),
    [
        ({"parameters": (Parameter("address", str, "", "where"),)}, "configured"),
        ({"configured": lambda self, params, jobs: self}, "parameters"),
    ],
)
def test_parameters_of_an_executor_go_together_with_what_takes_them(members, lacking):
    message = refused("executor", with_members("executor", **members))
    assert f"has '{next(iter(members))}' and lacks '{lacking}'" in message
    assert "benchbench.Configurable" in message


@pytest.mark.parametrize("noun", ["method", "backbone", "executor"])
def test_every_optional_protocol_is_told_apart_by_isinstance(noun):
    for option in OPTIONAL[noun]:
        members = dict.fromkeys(members_of(option), lambda self: ())
        assert isinstance(type("Whole", (), members)(), option)
        assert not isinstance(type("Nothing", (), {})(), option)


def test_our_own_plugins_have_the_optional_members_that_they_mean_to_have():
    from benchbench.catalog.lookup import load_catalog

    catalog = load_catalog()
    models = [catalog.methods[name] for name in ("embedding-head", "instruction", "zero-shot")]
    assert all(isinstance(method, HasWorkload) for method in models)
    assert not isinstance(catalog.methods["majority"], HasWorkload)
    assert isinstance(Way(), HasRequirements)
    for name in ("nano-llama", "qwen3-4b"):
        assert isinstance(catalog.backbone(name), HasShape)
        assert isinstance(catalog.backbone(name), HasLicence)
    assert isinstance(catalog.executors["ray"], Configurable)
    assert isinstance(catalog.executors["ray"], MayBeRemote)

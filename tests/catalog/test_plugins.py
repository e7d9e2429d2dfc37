"""Plugins: one road in, and every bump on it named."""

from __future__ import annotations

import os

import pytest

from benchbench import API_VERSION
from benchbench.catalog.lookup import load_catalog
from benchbench.catalog.plugins import DISABLE, installed, load_plugins
from benchbench.contract.errors import PluginError
from benchbench.machine import module_digest
from tests.support.building import THIRD_PARTY, alone, install

HOOK = "from benchbench import hookimpl\n\n@hookimpl\ndef benchbench_{}({}):\n    return []\n"
EMPTY = HOOK.format("methods", "")


def refused(monkeypatch, *folders):
    """Return what loading these distributions, and no others, is refused with."""
    alone(monkeypatch, *folders)
    with pytest.raises(PluginError) as caught:
        load_plugins()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_first_party_plugins_and_a_strangers_come_by_the_same_road(monkeypatch):
    monkeypatch.delenv(DISABLE, raising=False)
    monkeypatch.syspath_prepend(str(THIRD_PARTY))
    manager = load_plugins()
    plugins = installed(manager)
    assert {"csv", "backbones", "stranger"} <= set(plugins)
    assert plugins["csv"].distribution == "benchbench"
    assert (plugins["stranger"].distribution, plugins["stranger"].version) == (
        "benchbench-stranger",
        "1.0",
    )
    assert list(plugins) == sorted(plugins)
    assert len(manager.get_plugins()) == len(plugins)  # nothing came by another road


def test_a_strangers_things_stand_in_the_catalog_beside_ours(monkeypatch):
    monkeypatch.delenv(DISABLE, raising=False)
    monkeypatch.syspath_prepend(str(THIRD_PARTY))
    catalog = load_catalog()
    assert {"csv", "weather"} <= set(catalog.datasets)
    assert catalog.sources["dataset", "weather"] == "stranger"
    assert "nearest-centre" in catalog.methods
    assert "tiny-random-llama" in catalog.backbones


def test_two_distributions_of_one_name_are_refused_and_both_named(tmp_path, monkeypatch):
    message = refused(
        monkeypatch,
        install(tmp_path, "ours", EMPTY, plugin="same"),
        install(tmp_path, "theirs", EMPTY, plugin="same", version="2.1"),
    )
    assert "'same'" in message
    assert "ours 1.0" in message
    assert "theirs 2.1" in message
    assert "uninstall one" in message


def test_of_two_namesakes_that_are_switched_off_nothing_is_said(tmp_path, monkeypatch):
    alone(
        monkeypatch,
        install(tmp_path, "ours", EMPTY, plugin="same"),
        install(tmp_path, "theirs", EMPTY, plugin="same"),
    )
    monkeypatch.setenv(DISABLE, f"{os.environ[DISABLE]},same")
    assert installed(load_plugins()) == {}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        pytest.param("import no_such_module_here", "no_such_module_here", id="import-missing"),
        pytest.param("def broken(:", "invalid syntax", id="no-python"),
        pytest.param("raise RuntimeError('out of order')", "out of order", id="it-raises"),
        pytest.param("raise SystemExit(3)", "SystemExit: 3", id="it-ends-the-process"),
        pytest.param("raise RuntimeError('a\\nb')", "a b", id="message-of-two-lines"),
    ],
)
def test_a_plugin_that_does_not_load_is_named_with_version_and_remedy(
    tmp_path, monkeypatch, source, reason
):
    message = refused(monkeypatch, install(tmp_path, "frail", source, version="0.3"))
    assert reason in message
    assert "'frail' from frail 0.3" in message
    assert "Uninstall frail" in message
    assert f"{DISABLE}=frail" in message


def test_a_plugin_whose_object_is_missing_is_named(tmp_path, monkeypatch):
    message = refused(monkeypatch, install(tmp_path, "frail", EMPTY, point="frail:plugin"))
    assert "'frail' from frail 1.0 did not load" in message


def test_a_misspelled_hook_is_refused_and_its_plugin_named(tmp_path, monkeypatch):
    source = HOOK.format("metods", "")
    message = refused(monkeypatch, install(tmp_path, "typo", source, version="0.9"))
    assert "benchbench_metods" in message
    assert "typo 0.9" in message
    assert f"{DISABLE}=typo" in message


def test_a_hook_with_an_argument_that_is_not_passed_is_refused(tmp_path, monkeypatch):
    source = HOOK.format("cell_started", "cell, colour")
    message = refused(monkeypatch, install(tmp_path, "typo", source))
    assert "'typo' from typo 1.0" in message
    assert "colour" in message


def test_a_hook_may_leave_out_arguments(tmp_path, monkeypatch):
    source = HOOK.format("cell_started", "position")
    alone(monkeypatch, install(tmp_path, "brief", source))
    assert list(installed(load_plugins())) == ["brief"]


def test_a_plugin_for_another_api_is_refused_and_both_versions_named(tmp_path, monkeypatch):
    source = f"BENCHBENCH_API_VERSION = {API_VERSION + 41}\n{EMPTY}"
    message = refused(monkeypatch, install(tmp_path, "future", source, version="7.0"))
    assert "future 7.0" in message
    assert f"plugin API {API_VERSION + 41}, this benchbench has {API_VERSION}" in message


@pytest.mark.parametrize("declared", ["", f"BENCHBENCH_API_VERSION = {API_VERSION}\n"])
def test_a_plugin_for_this_api_or_for_none_in_particular_is_taken(tmp_path, monkeypatch, declared):
    alone(monkeypatch, install(tmp_path, "present", declared + EMPTY))
    assert list(installed(load_plugins())) == ["present"]


def test_a_plugin_that_is_switched_off_is_not_imported(tmp_path, monkeypatch):
    alone(monkeypatch, install(tmp_path, "frail", "raise RuntimeError('imported')"))
    monkeypatch.setenv(DISABLE, f" frail , {os.environ[DISABLE]},")
    assert installed(load_plugins()) == {}


def test_a_plugin_may_be_an_object_in_a_module_and_is_known_by_its_source(tmp_path, monkeypatch):
    source = "from benchbench import hookimpl\n\n\nclass Hooks:\n"
    source += (
        "    @hookimpl\n    def benchbench_methods(self):\n        return []\n\n\nhooks = Hooks()\n"
    )
    home = install(tmp_path, "classy", source, point="classy:hooks")
    alone(monkeypatch, home)
    found = installed(load_plugins())["classy"]
    before = module_digest(found.module)
    (home / "classy" / "__init__.py").write_text(source + "LINE = 1\n")
    assert module_digest(found.module) != before

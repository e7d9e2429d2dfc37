"""Collecting what plugins supply: a name stands for one thing, and a faulty plugin is named."""

from __future__ import annotations

import pytest

from benchbench import Baseline, Metric
from benchbench.contract.errors import PluginError, UnknownName
from benchbench.evaluation import METRICS
from tests.support.building import Net, Table, Way, catalog_of, plugin


class Place:
    """An executor that never runs anything."""

    def __init__(self, name):
        self.name = name

    def run(self, jobs, progress):
        raise AssertionError("nothing runs here")


def measure(kind, predictions, decided):
    return 0.5


def metric(name):
    return Metric(name, name, "plugins", ("single-label",), measure)


def published(name, **params):
    return Baseline(name, "claims", params, "accuracy", 0.5, "Nobody (2026)")


class Grids(dict):
    """A mapping that names a grid more than once."""

    def items(self):
        return [(name, path) for name, paths in super().items() for path in paths]


MAKE = {
    "dataset": lambda name: [Table(name)],
    "method": lambda name: [Way(name)],
    "backbone": lambda name: [Net(name)],
    "executor": lambda name: [Place(name)],
    "metric": lambda name: [metric(name)],
    "baseline": lambda name: [published(name)],
    "grid": lambda name: {name: f"{name}.toml"},
}


def refused(*plugins, **suppliers):
    with pytest.raises(PluginError) as caught:
        catalog_of(*plugins, **suppliers)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("noun", MAKE)
def test_two_things_of_one_name_are_refused_and_both_plugins_named(noun):
    first = plugin("first", **{f"{noun}s": MAKE[noun]("same")})
    second = plugin("second", **{f"{noun}s": MAKE[noun]("same")})
    assert refused(first, second) == (
        f"{noun.capitalize()} 'same' is supplied by plugin 'first' and by plugin 'second'; "
        "uninstall one."
    )
    catalog_of(first, plugin("second", **{f"{noun}s": MAKE[noun]("other")}))


@pytest.mark.parametrize("noun", MAKE)
def test_two_things_of_one_name_in_one_plugin_are_refused_and_it_is_named(noun):
    twice = Grids(same=["a.toml", "b.toml"]) if noun == "grid" else MAKE[noun]("same") * 2
    message = refused(plugin("double", **{f"{noun}s": twice}))
    assert message == f"Plugin 'double' supplies the {noun} 'same' twice; rename one."


@pytest.mark.parametrize("name", ["macro_f1", "accuracy", "exact_match", "ece_scaled"])
def test_a_metric_with_the_name_of_one_of_ours_is_refused(name):
    assert name in [metric.name for metric in METRICS]
    assert refused(plugin("theirs", metrics=[metric(name)])) == (
        f"Metric '{name}' is supplied by benchbench itself and by plugin 'theirs'; "
        "rename the plugin's, or uninstall the plugin."
    )


@pytest.mark.parametrize("title", ["Macro F1", "macro-F1", "ＭＡＣＲＯ-F1"])
def test_a_metric_that_readers_would_take_for_one_of_ours_is_refused(title):
    theirs = Metric("gain", title, "plugins", ("single-label",), measure)
    message = refused(plugin("theirs", metrics=[theirs]))
    assert message.startswith("Plugin 'theirs' supplies the metric 'gain' with the title")
    assert "take for benchbench's 'macro_f1'" in message


def test_metrics_of_other_names_are_taken():
    catalog = catalog_of(metrics=[metric("macro_f2"), metric("gain")])
    assert [taken.name for taken in catalog.metrics] == ["macro_f2", "gain"]
    assert catalog.sources["metric", "gain"] == "made"


def test_a_published_score_may_have_one_name_for_several_settings():
    catalog = catalog_of(baselines=[published("svm", limit=0), published("svm", limit=5)])
    assert len(catalog.baselines) == 2


@pytest.mark.parametrize("noun", ["metric", "baseline"])
def test_what_is_no_metric_or_baseline_is_refused(noun):
    message = refused(**{f"{noun}s": [measure]})
    assert message.startswith(f"Plugin 'made' supplies a {noun} that is no benchbench.")
    assert noun.capitalize() in message


def raising(error):
    def supply():
        raise error

    return supply


def breaking_off():
    yield Table("claims")
    raise RuntimeError("no\ntable")


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


def test_a_generator_that_breaks_off_is_named():
    message = refused(datasets=breaking_off)
    assert message == "Plugin 'made': hook 'benchbench_datasets' raised RuntimeError: no table"


def test_grids_of_a_plugin_stand_beside_ours(tmp_path):
    catalog = catalog_of(grids={"theirs": tmp_path / "theirs.toml"})
    assert catalog.grid("theirs") == tmp_path / "theirs.toml"
    assert catalog.grid("own-data").exists()
    assert str(catalog.grid("./mine.toml")) == "mine.toml"
    with pytest.raises(UnknownName, match="Did you mean 'theirs'"):
        catalog.grid("thiers")


def test_a_grid_with_the_name_of_one_of_ours_is_refused_and_both_owners_named():
    message = refused(grids={"own-data": "x.toml"})
    assert "by benchbench itself and by plugin 'made'" in message


def test_grids_that_are_no_mapping_are_refused_and_their_plugin_named():
    assert "'made'" in refused(grids=lambda: None)

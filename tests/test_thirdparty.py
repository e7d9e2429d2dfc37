"""A stranger's package is found by the same road as ours, and runs end to end."""

from __future__ import annotations

from benchbench.store import Store, all_records
from tests.commands import benchbench


def test_a_strangers_dataset_method_and_backbone_make_a_leaderboard(tmp_path):
    done = benchbench(
        tmp_path, "run", "--dataset", "weather", "--method", "nearest-centre",
        "--backbone", "tiny-random-llama", "--set", "weather.documents=40",
    )  # fmt: skip
    assert "| 1 | nearest-centre | tiny-random-llama |" in done.stdout
    (record,) = all_records(Store(tmp_path / "benchbench-runs"))
    assert record.status == "ok"
    assert record.provenance["plugins"] == {"stranger": "benchbench-stranger 1.0"}
    assert list(record.identity["plugins"]) == ["benchbench-stranger:stranger"]
    assert record.facts["total_parameters"] > 0
    assert record.metrics["test"]["accuracy"] > 0.6


def test_a_strangers_package_is_listed_with_what_it_supplies(tmp_path):
    text = benchbench(tmp_path, "ls", "plugins", COLUMNS="200").stdout
    (line,) = [line for line in text.splitlines() if "benchbench-stranger" in line]
    for word in ("1.0", "dataset weather", "method nearest-centre", "backbone tiny-random-llama"):
        assert word in line


def test_a_disabled_plugin_is_gone(tmp_path):
    done = benchbench(
        tmp_path, "run", "--dataset", "weather", code=2, BENCHBENCH_DISABLE_PLUGINS="stranger"
    )
    assert "Unknown dataset 'weather'" in done.stderr

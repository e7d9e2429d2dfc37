"""A stranger's package is found by the same road as ours, and runs end to end."""

from __future__ import annotations

from benchbench.records.store import Store, all_records
from tests.support.commands import benchbench


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


def test_a_strangers_grid_executor_metric_and_published_score_are_on_the_board(tmp_path):
    words = ("run", "--grid", "weather", "--executor", "in-this-process")
    done = benchbench(tmp_path, *words)
    lines = done.stdout.splitlines()
    theirs = lines.index("### weather: Metrics of plugins")
    assert lines[theirs + 2] == "| \\# | method | backbone | share of rain | broken |"
    (majority,) = [line for line in lines[theirs:] if "| majority |" in line][:1]
    assert majority.endswith("| majority | – | 1.000 | – |")
    published = [line for line in lines if "as reported" in line and line.startswith("|")]
    assert published == ["| *–* | *Oracle* | *as reported* | *0.875* |" + " *–* |" * 12]
    assert "A forecast that was never made" in done.stdout
    assert "Elsewhere" not in done.stdout
    assert "metric 'broken': RuntimeError: no such thing" in done.stderr
    assert "3 of 3 cells have a result." in done.stdout
    read = benchbench(tmp_path, "leaderboard", "weather", BENCHBENCH_DISABLE_PLUGINS="stranger")
    assert read.stdout == done.stdout


def test_an_unknown_executor_is_told_before_any_work(tmp_path):
    done = benchbench(tmp_path, "run", "--grid", "weather", "--executor", "moon", code=2)
    assert "Unknown executor 'moon'. Available: in-this-process" in done.stderr

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
    assert record.facts["seeded"] is False
    told = "| nothing: means of embeddings | no | no | temperature | no |"
    assert told in done.stdout.partition("What was tuned on what")[2]
    row = next(line for line in done.stdout.splitlines() if line.startswith("| 1 |"))
    assert float(row.split("|")[4]) > 0.6


def test_a_strangers_package_is_listed_with_what_it_supplies(tmp_path):
    text = benchbench(tmp_path, "ls", "plugins", COLUMNS="200").stdout
    (line,) = [line for line in text.splitlines() if "benchbench-stranger" in line]
    for word in ("1.0", "datasets weather", "method nearest-centre", "backbone tiny-random-llama"):
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
    row = next(line for line in lines[theirs:] if "| majority |" in line)
    assert row.endswith("| majority | – | 1.000 | – |")
    family = lines.index("### weather: weather")
    assert lines[family + 2] == "| \\# | method | backbone | labels |"
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


def test_a_strangers_metric_ranks_with_its_interval_and_tests_without_the_plugin(tmp_path):
    benchbench(tmp_path, "run", "--grid", "weather", "--executor", "in-this-process")
    alone = {"BENCHBENCH_DISABLE_PLUGINS": "stranger"}
    words = ("leaderboard", "weather", "--format", "markdown", "--metric")
    lines = benchbench(tmp_path, *words, "share_of_rain", **alone).stdout.splitlines()
    header = next(line for line in lines if line.startswith("| \\# |")).split(" | ")
    assert header[3] == "share of rain"
    first = next(line for line in lines if line.startswith("| 1 |")).split(" | ")
    assert first[1:4] == ["majority", "–", "1.000"]
    assert first[header.index("95 % interval, n = 24")] == "–"  # nothing varies
    second = next(line for line in lines if line.startswith("| 2 |")).split(" | ")
    low, high = map(float, second[header.index("95 % interval, n = 24")].split(" to "))
    assert low < float(second[3]) < high
    assert any("Ranked by share of rain." in line for line in lines)
    bare = benchbench(tmp_path, *words, "labels", **alone).stdout.splitlines()
    first = next(line for line in bare if line.startswith("| 1 |")).split(" | ")
    assert first[3] == "3.000"
    assert first[header.index("tied")] == "–"
    for name, hint in (("share_of_snow", "Did you mean 'share_of_rain'?"), ("broken", "No system")):
        assert hint in benchbench(tmp_path, *words, name, code=2, **alone).stderr


def test_a_strangers_backbone_serves_the_first_party_methods(tmp_path):
    done = benchbench(
        tmp_path, "run", "--dataset", "weather", "--limit", "30", "--backbone", "tiny-random-llama",
        "--method", "embedding-head", "--method", "frozen-embedding", "--set", "epochs=1",
        "--seeds", "0",
    )  # fmt: skip
    assert "2 of 2 cells have a result." in done.stdout

"""`benchbench plugin` as an author meets it: begin a package, and check it."""

from __future__ import annotations

import json

from tests.support.commands import benchbench


def test_new_says_what_it_wrote_and_what_comes_next(tmp_path):
    done = benchbench(tmp_path, "plugin", "new", "my-idea", "--kind", "metric", COLUMNS="80")
    assert "wrote benchbench-my-idea/pyproject.toml" in done.stdout
    assert "pip install -e 'benchbench-my-idea[test]'" in done.stdout
    again = benchbench(tmp_path, "plugin", "new", "my-idea", "--kind", "metric", code=2)
    assert again.stderr.startswith("benchbench: benchbench-my-idea exists already")
    assert "needs a name and a kind" in benchbench(tmp_path, "plugin", "new", code=2).stderr


def test_check_has_a_line_per_check_and_says_that_it_runs_code(tmp_path):
    done = benchbench(tmp_path, "plugin", "check", "stranger", code=1, COLUMNS="120")
    assert "run code of the plugins" in done.stderr
    assert "ok       stranger: dataset weather\n" in done.stdout
    assert "ok       stranger: executor in-this-process: its members\n" in done.stdout
    faults = [line for line in done.stdout.splitlines() if line.startswith("fault")]
    assert faults == [
        "fault    stranger: metric broken (RuntimeError: no such thing)",
        "fault    stranger: metric for_others (RuntimeError: no such thing)",
    ]


def test_check_of_an_unknown_plugin_names_the_nearest(tmp_path):
    done = benchbench(tmp_path, "plugin", "check", "strnger", code=2)
    assert "Did you mean 'stranger'?" in done.stderr


def test_a_run_appends_its_events_to_a_file(tmp_path):
    words = ("run", "--dataset", "weather", "--method", "majority", "--watch-file", "events.jsonl")
    benchbench(tmp_path, *words)
    lines = (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    assert events[0]["event"] == "started" and events[-1]["event"] == "finished"
    assert events[-1]["status"] == "ok"
    refused = benchbench(tmp_path, *words[:-1], "no/folder/e", code=2)
    assert "no/folder/e cannot be written" in refused.stderr

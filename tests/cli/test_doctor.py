"""`benchbench doctor` as a user meets it: an installation in order, and one with a fault."""

from __future__ import annotations

import json

from tests.support.commands import benchbench


def test_every_line_has_a_level_what_was_found_and_what_to_do(tmp_path):
    done = benchbench(
        tmp_path, "doctor", "--offline", "--json", BENCHBENCH_DISABLE_PLUGINS="stranger,faulty"
    )
    lines = json.loads(done.stdout)
    assert {line["level"] for line in lines} <= {"ok", "warning"}
    assert all(line["remedy"] for line in lines if line["level"] != "ok")
    about = [line["about"] for line in lines]
    assert {"torch", "GPU", "4-bit weights", "store", "cache", "plugins"} <= set(about)
    assert about[-1] == "cell"
    assert "nano-llama · demo-claims · seed 0 has a result" in lines[-1]["found"]
    assert "hub" not in about
    assert not (tmp_path / "benchbench-runs").exists()


def test_a_fault_is_shown_with_its_remedy_and_by_the_exit_code(tmp_path):
    done = benchbench(tmp_path, "doctor", "--offline", code=1, BENCHBENCH_DISABLE_PLUGINS="demo")
    lines = done.stdout.splitlines()
    (place,) = [number for number, line in enumerate(lines) if line.startswith("fault")]
    assert "Unknown dataset 'demo-claims'" in lines[place]
    assert lines[place + 1].startswith("         Run it by hand")
    assert lines[-1] == "Faults: 1."

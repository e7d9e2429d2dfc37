"""A shell completes commands and names, and gets no name and no message where nothing is there."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from click.shell_completion import ShellComplete

from benchbench.catalog import load_catalog
from benchbench.cli import cli
from benchbench.cli.completion import PROGRAM, SHELLS, VARIABLE
from tests.support.commands import benchbench
from tests.support.predicted import SYSTEMS, store_of


def completed(*words):
    """Return what the last of these words may become."""
    *before, last = words
    found = ShellComplete(cli, {}, PROGRAM, VARIABLE).get_completions(before, last)
    return [item.value for item in found]


def test_commands_and_lists_are_completed():
    assert completed("com") == ["compare", "completion"]
    assert completed("ls", "r") == ["runs"]


@pytest.mark.parametrize("noun", ["grid", "dataset", "method", "backbone"])
def test_names_of_what_is_installed_are_completed(noun):
    names = sorted(getattr(load_catalog(), f"{noun}s"))
    assert names and completed("run", f"--{noun}", "") == names
    assert completed("plan", f"--{noun}", names[-1]) == [
        name for name in names if name.startswith(names[-1])
    ]


def test_boards_and_systems_of_the_store_are_completed(tmp_path):
    store, board = store_of(tmp_path, SYSTEMS)
    given = ("--store", str(store.root))
    assert completed("leaderboard", *given, "") == [board.name]
    assert completed("compare", *given, "") == ["head/llama", "instruction/llama", "tfidf"]
    assert completed("compare", *given, "tfidf", "in") == ["instruction/llama"]
    assert completed("errors", "--store", str(tmp_path / "none"), "") == []


def test_a_plugin_that_does_not_load_gives_no_names_and_no_traceback(monkeypatch):
    monkeypatch.setattr("benchbench.catalog.load_catalog", lambda: 1 / 0)
    assert completed("run", "--grid", "") == []


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_a_shell_is_printed(tmp_path, shell):
    script = benchbench(tmp_path, "completion", shell).stdout
    assert f"{VARIABLE}={shell}_complete" in script
    if shell == "bash" and shutil.which("bash"):
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_the_program_answers_a_shell(tmp_path):
    asked = {VARIABLE: "bash_complete", "COMP_WORDS": "benchbench le", "COMP_CWORD": "1"}
    code = "import sys; sys.argv = ['benchbench']; from benchbench.__main__ import main; main()"
    import sys

    from tests.support.commands import environment

    done = subprocess.run([sys.executable, "-c", code], env=environment(tmp_path, **asked),
                          capture_output=True, text=True)  # fmt: skip
    assert done.stdout.split() == ["plain,leaderboard"], done.stderr

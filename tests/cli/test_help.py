"""`--help` of every command: at once, with rules and examples, and fit to the terminal's width."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest
from click.testing import CliRunner

from benchbench.cli import SUMMARIES, cli
from benchbench.cli.subcommand import Subcommand

MODULES = """
import sys
sys.argv = ["benchbench", *sys.argv[1:]]
from benchbench.__main__ import main
try:
    main()
except SystemExit:
    print("modules:", *sys.modules)
"""
MOST_BESIDE_CLICK = 160
"""So many modules may `--help` import beside those of click, the standard library's included."""


def imported(*words):
    """Return the modules that a command imports."""
    command = [sys.executable, "-c", MODULES, *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return set(done.stdout.rpartition("modules:")[2].split())


def helped(*words, width=80):
    """Return what `--help` prints on a terminal of that width."""
    done = CliRunner(env={"COLUMNS": str(width)}).invoke(cli, [*words, "--help"])
    assert done.exit_code == 0, done.output
    return done.output


def examples_of(name):
    """Return the words of every example of a command."""
    command = cli.get_command(None, name)
    return [shlex.split(example.replace("\\\n", " ")) for example in command.examples]


def test_help_imports_almost_nothing():
    """`tests/perf/help_time.py` measures the time, which a busy machine would spoil here."""
    found = imported("--help")
    others = {name.partition(".")[0] for name in found} - set(sys.stdlib_module_names)
    assert {name for name in others if not name.startswith("_")} == {
        "benchbench", "click", "pluggy",
    }  # fmt: skip
    script = "import click, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert len(found - set(done.stdout.split())) < MOST_BESIDE_CLICK


def test_a_command_that_imports_more_would_be_noticed():
    assert "pyarrow" not in imported("--help")
    assert len(imported("predict", "--help")) > len(imported("--help"))


@pytest.mark.parametrize("name", SUMMARIES)
def test_every_command_explains_itself(name):
    text = helped(name)
    titles = re.findall(r"^([A-Z][A-Za-z ]+):$", text, re.M)
    assert titles[-1] == "Options"
    assert {"Rules", "Examples"} <= set(titles)
    assert text.index("Rules:") < text.index("Examples:") < text.index("Options:")


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", SUMMARIES)
def test_help_fits_the_terminal(name, width):
    for text in (helped(width=width), helped(name, width=width)):
        assert max(len(line) for line in text.splitlines()) <= width


@pytest.mark.parametrize("name", SUMMARIES)
def test_every_example_is_a_command_that_the_parser_takes(name):
    assert len(examples_of(name)) >= 2
    for program, command, *words in examples_of(name):
        assert (program, command) == ("benchbench", name)
        cli.get_command(None, name).make_context(name, words)


def test_the_examples_of_the_program_are_commands_that_the_parser_takes():
    text = helped()
    lines = text[text.index("Examples:") : text.index("'benchbench COMMAND")]
    joined = lines.replace("\\\n", " ").splitlines()[1:]
    commands = [shlex.split(line) for line in joined if line.strip()]
    assert commands
    for program, name, *words in commands:
        assert program == "benchbench"
        cli.get_command(None, name).make_context(name, words)


@pytest.mark.parametrize("name", SUMMARIES)
def test_every_option_has_a_help_text_that_is_a_sentence(name):
    command = cli.get_command(None, name)
    assert isinstance(command, Subcommand)
    for option in (each for each in command.params if each.param_type_name == "option"):
        assert option.help and option.help.endswith("."), option.name


def test_the_examples_test_would_see_an_option_that_is_gone():
    with pytest.raises(Exception, match="No such option"):
        cli.get_command(None, "verify").make_context("verify", ["--loud"])


def test_options_stand_under_the_title_of_their_section():
    text = helped("run")
    places = [text.index(word) for word in ("Your own table:", "--csv FILE", "Choice of cells:",
                                            "--grid NAME", "Execution:", "--jobs N", "Results:",
                                            "--store FOLDER", "Options:", "--help")]  # fmt: skip
    assert places == sorted(places)

"""The documents say what the code does: what they show is derived from it or run against it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchbench.catalog.lookup import load_catalog
from benchbench.cli import cli

ROOT = Path(__file__).resolve().parent.parent


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_readme_is_short_and_shows_the_top_of_the_published_board():
    lines = read("README.md").splitlines()
    assert len(lines) <= 200
    start = next(n for n, line in enumerate(lines) if line.startswith("| # | method"))
    assert start < 20, "the first screen shows it"
    published = [cells(line) for line in read("leaderboards/default.md").splitlines()]
    header = next(row for row in published if row[:2] == ["#", "method"])
    places = [
        next(n for n, title in enumerate(header) if title.split(", n =")[0] == name)
        for name in cells(lines[start])
    ]
    board = published[published.index(header) :]
    shown = [cells(line) for line in lines[start + 2 :]]
    shown = shown[: shown.index([])]
    assert len(shown) == 5
    for row in shown:
        assert row in [[full[n] for n in places] for full in board if len(full) == len(header)], row


def cells(line):
    """Return the entries of a row of a markdown table; none where the line is no row."""
    return [part.strip().replace("\\", "") for part in line.split("|")[1:-1]]


def test_the_readme_names_every_method_that_is_there():
    for name in load_catalog().methods:
        assert f"`{name}`" in read("README.md"), name


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_every_option_in_a_document_exists(document):
    commands = [cli.get_command(None, name) for name in cli.list_commands(None)]
    known = {option for command in commands for parameter in command.params
             for option in parameter.opts}  # fmt: skip
    called = set(re.findall(r"(?:`|^ {4}|^|bin/)benchbench ([a-z]+)", read(document), re.M))
    options = re.findall(r"(?<![\w-])--[a-z][a-z-]+", read(document))
    # of ruff, pip and pytest, ray, hf
    elsewhere = {"--dist", "--check", "--help", "--head", "--port", "--address", "--repo-type"}
    assert [o for o in options if o not in known | elsewhere] == []
    assert called - set(cli.list_commands(None)) == set()


def test_the_readme_has_exactly_two_set_up_commands():
    set_up = read("README.md").split("## Set up")[1].split("\n## ")[0]
    blocks = re.findall(r"```\n(.*?)```", set_up, re.S)
    assert len(blocks) == 2
    assert all("pip install -c constraints.txt" in block for block in blocks)
    assert "benchbench run" in blocks[0]
    assert "pytest" in blocks[1]


def test_the_example_table_is_what_its_script_writes():
    import subprocess
    import sys

    script = ROOT / "tests" / "data" / "make_messages.py"
    made = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert made.stdout == read("tests/data/messages.csv")


def test_the_tested_versions_pin_every_dependency():
    import tomllib

    project = tomllib.loads(read("pyproject.toml"))["project"]
    extras = project["optional-dependencies"].values()
    asked = [*project["dependencies"], *(each for extra in extras for each in extra)]
    pinned = {line.partition("==")[0].lower() for line in read("constraints.txt").splitlines()}
    for requirement in asked:
        assert re.split(r"[<>=]", requirement)[0].lower() in pinned, requirement
    assert "torch==2.13.0" in read("constraints.txt").splitlines()

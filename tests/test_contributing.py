"""CONTRIBUTING is enough: the package that it shows is built from its own text, and run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.commands import benchbench, environment

ROOT = Path(__file__).resolve().parent.parent
STRANGER = ROOT / "tests" / "thirdparty"
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"(?:<!-- file: (?P<file>\S+) -->\n)?```(?P<form>\w*)\n(?P<code>.*?)```", re.S)
BLOCKS = [match.groupdict() for match in BLOCK.finditer(TEXT)]
FILES = {block["file"]: block["code"] for block in BLOCKS if block["file"]}
SNIPPETS = [block["code"] for block in BLOCKS if block["form"] == "python" and not block["file"]]
COMMANDS = [
    line for block in BLOCKS if block["form"] == "sh" for line in block["code"].splitlines()
]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Return a folder with the package as CONTRIBUTING shows it, laid out as pip would."""
    folder = tmp_path_factory.mktemp("author")
    for name, code in FILES.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(code, encoding="utf-8")
    project = tomllib.loads(FILES["pyproject.toml"])["project"]
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    points = project["entry-points"]["benchbench"].items()
    (info / "entry_points.txt").write_text(
        "[benchbench]\n" + "".join(f"{name} = {module}\n" for name, module in points)
    )
    return folder


def test_every_block_is_a_file_a_snippet_or_a_command():
    assert len(FILES) == 10
    assert len(SNIPPETS) + len(FILES) + sum(block["form"] == "sh" for block in BLOCKS) == len(
        BLOCKS
    )
    assert {name for name in FILES if name.startswith("benchbench_stranger/")} == {
        f"benchbench_stranger/{path.name}"
        for path in (STRANGER / "benchbench_stranger").iterdir()
        if path.is_file()
    }


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("benchbench_")])
def test_the_files_shown_are_those_that_all_tests_run(name):
    assert FILES[name] == (STRANGER / name).read_text(encoding="utf-8")


def test_the_method_is_short():
    lines = FILES["benchbench_stranger/method.py"].splitlines()
    assert sum(bool(line.strip()) for line in lines) <= 45


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda code: code.splitlines()[0])
def test_every_snippet_runs(snippet, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", snippet], capture_output=True, text=True,
        env={**os.environ, "BENCHBENCH_CACHE": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_every_command_runs_with_the_package_of_the_text(home, tmp_path):
    log = tmp_path / "log.txt"
    printed = {}
    for line in COMMANDS:
        program, *words = shlex.split(line)
        assert program == "benchbench"
        done = benchbench(tmp_path, *words, PYTHONPATH=str(home), WEATHER_LOG=str(log))
        printed[line] = done.stdout
    finished = log.read_text().splitlines()
    assert "majority · weather · seed 0: ok" in finished[0]
    assert any("tfidf-svm · weather-warnings" in line for line in finished)
    assert any("weather:40" in line for line in finished)
    grid = next(text for line, text in printed.items() if "--grid weather" in line)
    scores = {
        row.split(" | ")[1]: row.split(" | ")[3]
        for row in grid.split("###")[0].splitlines()
        if "| nearest-" in row
    }
    assert scores["nearest-centre"] != scores["nearest-last"], "the parameter decides the result"
    warnings = next(text for line, text in printed.items() if "weather-warnings" in line)
    assert "F1, level 2" in warnings, "the hierarchy is on the board"
    assert "60 documents for training" in warnings, "the harness applies the limit"


def test_the_tests_shown_pass(home, tmp_path):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
               str(home / "test_stranger.py")]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path,
        env=environment(tmp_path, PYTHONPATH=str(home)),
    )  # fmt: skip
    assert "3 passed" in done.stdout, done.stdout + done.stderr

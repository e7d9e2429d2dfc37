"""The digest of source code: what changes numbers changes it, a comment does not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import benchbench
from benchbench.machine.source_code import (
    EXECUTION,
    code_digest,
    execution_digest,
    module_digest,
)

CORE = Path(benchbench.__file__).parent
SOURCE = '''"""What it does."""

import os  # for its own sake

RATE = 0.5
"""Chosen by hand."""


class Method:
    """A method."""

    def fit(self, task):
        """Fit it."""
        text = f"""a {task} \\
        b {f"{RATE}"}"""
        if task:
            return text, "a" "b"
        return {"rate": RATE}
'''


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("  # for its own sake", "", id="a-comment"),
        pytest.param("What it does.", "What it really does.", id="the-docstring-of-the-module"),
        pytest.param('    """A method."""\n', '    """A\n    b."""\n', id="of-a-class"),
        pytest.param('"""Fit it."""', "'Fit that.'", id="of-a-function"),
        pytest.param('"""Chosen by hand."""', '"""Chosen."""', id="of-a-constant"),
        pytest.param("import os", "\n\n\nimport os", id="blank-lines"),
        pytest.param('"a" "b"', '"a"  "b"', id="blanks-between-words"),
    ],
)
def test_what_changes_no_number_changes_no_digest(before, after):
    assert before in SOURCE
    assert code_digest(SOURCE.replace(before, after)) == code_digest(SOURCE)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("RATE = 0.5", "RATE = 0.6", id="a-constant"),
        pytest.param("import os", "import sys", id="an-import"),
        pytest.param('"a" "b"', '"a" "c"', id="a-string-that-is-used"),
        pytest.param("a {task}", "b {task}", id="the-text-of-an-f-string"),
        pytest.param("{RATE}", "{RATE + 1}", id="an-expression-in-an-f-string"),
        pytest.param("b {f", "b  {f", id="a-blank-in-an-f-string"),
        pytest.param("        return {", "    return {", id="an-indentation"),
        pytest.param("if task", "if not task", id="an-operator"),
    ],
)
def test_what_may_change_a_number_changes_the_digest(before, after):
    assert before in SOURCE
    assert code_digest(SOURCE.replace(before, after)) != code_digest(SOURCE)


def test_neighbouring_tokens_are_not_run_together():
    assert code_digest("x = a.b\n") != code_digest("x = ab\n")
    assert code_digest("print(1, 2)\n") != code_digest("print(12)\n")


def test_a_file_that_python_cannot_read_is_known_by_its_text():
    assert code_digest("x = (1\n") != code_digest("x = (2\n")


def test_a_plugin_of_one_file_is_known_by_that_file_alone(tmp_path):
    (tmp_path / "single.py").write_text("x = 1\n")
    module = ModuleType("single")
    module.__file__ = str(tmp_path / "single.py")
    before = module_digest(module)
    (tmp_path / "neighbour.py").write_text("y = 1\n")
    assert module_digest(module) == before
    (tmp_path / "single.py").write_text("x = 2\n")
    assert module_digest(module) != before


def test_a_plugins_folder_may_move_without_changing_its_digest(tmp_path):
    for folder in ("here", "there"):
        shutil.copytree(CORE / "render", tmp_path / folder / "render")
    modules = []
    for folder in ("here", "there"):
        module = ModuleType("render")
        module.__file__ = str(tmp_path / folder / "render" / "__init__.py")
        modules.append(module)
    assert len({module_digest(module) for module in modules}) == 1


@pytest.mark.parametrize(
    ("file", "matters"),
    [
        ("running/worker.py", True),
        ("kit/pooling.py", True),
        ("contract/parameters.py", True),
        ("contract/scored.py", False),
        ("contract/metric.py", False),
        ("running/suite.py", False),
        ("evaluation/f1.py", False),
    ],
)
def test_the_digest_of_the_core_covers_what_runs_a_cell(tmp_path, file, matters):
    copy = tmp_path / "benchbench"
    shutil.copytree(CORE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    assert core_digest_of(tmp_path) == execution_digest()
    with (copy / file).open("a") as source:
        source.write("LINE = 1\n")
    assert (core_digest_of(tmp_path) != execution_digest()) == matters


def test_a_comment_in_the_kit_makes_nothing_stale(tmp_path):
    copy = tmp_path / "benchbench"
    shutil.copytree(CORE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    with (copy / "kit" / "pooling.py").open("a") as source:
        source.write("# one more line\n")
    assert core_digest_of(tmp_path) == execution_digest()


def test_every_execution_module_is_there():
    assert all((CORE / name).exists() for name in EXECUTION)


def core_digest_of(folder):
    code = "from benchbench.machine import execution_digest; print(execution_digest())"
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(folder)!r}); {code}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

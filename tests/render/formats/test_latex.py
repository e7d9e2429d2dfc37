"""A leaderboard as LaTeX: names stay names."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from benchbench.leaderboard.build import Leaderboard
from benchbench.render.formats import latex
from tests.render.formats.test_markdown import HOSTILE
from tests.support.building import ranked


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_latex_has_no_command_of_a_name(name):
    text = latex.render(Leaderboard(name, (ranked(("m", "x"), (name, "1"), title=name),), (name,)))
    plain = latex.render(Leaderboard("n", (ranked(("m", "x"), ("n", "1"), title="n"),), ("n",)))
    assert len(text.splitlines()) == len(plain.splitlines())
    known = set(latex.SPECIAL.values())
    escaped = latex.escape(name)
    for value in sorted(known, key=len, reverse=True):
        escaped = escaped.replace(value, "")
    assert not set(escaped) & set("\\{}$&#%_^~")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX on this machine")
def test_latex_is_set(made, tmp_path):
    head = "\\documentclass{article}\\usepackage[T1]{fontenc}\\usepackage{booktabs,textcomp}"
    text = f"{head}\\begin{{document}}\n{latex.render(made[1])}\\end{{document}}\n"
    (tmp_path / "board.tex").write_text(text)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "board.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]

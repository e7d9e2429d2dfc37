"""A leaderboard as CSV, JSON and LaTeX: unrounded values, and names that stay names."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess

import pytest

from benchbench.evidence.board import records_on
from benchbench.evidence.compute import compute_evidence
from benchbench.leaderboard.build import Leaderboard, build_leaderboard
from benchbench.render import csv as csv_form
from benchbench.render import json as json_form
from benchbench.render import latex
from tests.render.test_markdown import HOSTILE
from tests.support.building import ranked
from tests.support.commands import benchbench
from tests.support.predicted import store_of

FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\0=1")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    store, board = store_of(tmp_path_factory.mktemp("store"))
    records = records_on(store, board)
    evidence = compute_evidence(store, board, records)
    return store, build_leaderboard(board, records, evidence), evidence


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_csv_holds_unrounded_values(made):
    _, built, evidence = made
    (found,) = evidence.datasets.values()
    rows = rows_of(csv_form.render(built, "ranking"))
    assert [row["method"] for row in rows] == [system.method for system in found.systems]
    for row, system in zip(rows, found.systems, strict=True):
        assert float(row["low"]) == system.interval.low
        assert float(row["bca_high"]) == system.interval.bca_high
        assert float(row["macro_f1"]) == pytest.approx(system.value, abs=1e-12)
    pairs = rows_of(csv_form.render(built, "pairs"))
    assert [float(row["difference"]) for row in pairs] == [p.difference for p in found.pairs]
    assert any(row["difference"].startswith("-") for row in pairs) or all(
        float(row["difference"]) >= 0 for row in pairs
    )


@pytest.mark.parametrize("name", [*HOSTILE.values(), *FORMULAS])
def test_csv_reads_back_as_it_was_and_no_text_is_a_formula(name):
    text = csv_form.render(
        Leaderboard("t", (ranked(("m", "x"), (name, name), title=name),), ()), "ranking"
    )
    text.encode("utf-8", "backslashreplace")
    ((_, line),) = enumerate(rows_of(text))
    for value in (line["dataset"], line["m"]):
        assert not value.startswith(("=", "+", "-", "@", "\t", "\r"))
        assert value.removeprefix("'") == name.replace("\0", "").removeprefix("'")


def test_a_negative_number_stays_a_number():
    assert csv_form._cell(-0.12) == "-0.12"
    assert csv_form._cell("-0.12") == "'-0.12"


def test_json_holds_tables_and_evidence_and_is_the_same_twice(made):
    _, built, evidence = made
    text = json_form.render(built)
    assert text == json_form.render(built)
    data = json.loads(text)["datasets"][0]
    (found,) = evidence.datasets.values()
    assert data["tables"]["ranking"][0]["macro_f1"] == pytest.approx(found.systems[0].value)
    assert data["tables"]["pairs"][0]["p_holm"] == found.pairs[0].p_holm
    assert data["evidence"]["pairs"][0]["mcnemar"][0]["p"] == found.pairs[0].mcnemar[0].p


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


def test_the_command_writes_every_form(made, tmp_path):
    store = made[0].root
    for form in ("markdown", "html", "csv", "json", "latex"):
        out = tmp_path / f"board.{form}"
        benchbench(tmp_path, "leaderboard", "--store", store, "--format", form, "--output", out)
        printed = benchbench(tmp_path, "leaderboard", "--store", store, "--format", form).stdout
        assert out.read_text(encoding="utf-8").replace("\r\n", "\n") == printed
    done = benchbench(tmp_path, "leaderboard", "--store", store, "--format", "csv", "--table", "x",
                      code=2)  # fmt: skip
    assert "no such table. Available: ranking, " in done.stderr


def test_the_archive_of_a_publication_is_read_like_a_store(made, tmp_path):
    store = made[0].root
    benchbench(tmp_path, "leaderboard", "--store", store, "--publish", "out")
    done = benchbench(tmp_path, "leaderboard", "--store", "out/board.zip", "--format", "markdown")
    assert done.stdout == (tmp_path / "out" / "board.md").read_text(encoding="utf-8")

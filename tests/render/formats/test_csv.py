"""A leaderboard as CSV: unrounded values, and text that is never a formula."""

from __future__ import annotations

import csv
import io

import pytest

from benchbench.leaderboard.build import Leaderboard
from benchbench.render.formats import csv as csv_format
from tests.render.formats.test_markdown import HOSTILE
from tests.support.building import ranked

FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\0=1")


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_csv_holds_unrounded_values(made):
    _, built, evidence = made
    (found,) = evidence.datasets.values()
    rows = rows_of(csv_format.render(built, "ranking"))
    assert [row["method"] for row in rows] == [system.method for system in found.systems]
    for row, system in zip(rows, found.systems, strict=True):
        assert float(row["low"]) == system.interval.low
        assert float(row["high"]) == system.interval.high
        assert float(row["macro_f1"]) == pytest.approx(system.value, abs=1e-12)
    pairs = rows_of(csv_format.render(built, "pairs"))
    assert [float(row["difference"]) for row in pairs] == [p.difference for p in found.pairs]
    assert any(row["difference"].startswith("-") for row in pairs) or all(
        float(row["difference"]) >= 0 for row in pairs
    )


@pytest.mark.parametrize("name", [*HOSTILE.values(), *FORMULAS])
def test_csv_reads_back_as_it_was_and_no_text_is_a_formula(name):
    text = csv_format.render(
        Leaderboard("t", (ranked(("m", "x"), (name, name), title=name),), ()), "ranking"
    )
    text.encode("utf-8", "backslashreplace")
    ((_, line),) = enumerate(rows_of(text))
    for value in (line["dataset"], line["m"]):
        assert not value.startswith(("=", "+", "-", "@", "\t", "\r"))
        assert value.removeprefix("'") == name.replace("\0", "").removeprefix("'")


def test_a_negative_number_stays_a_number():
    assert csv_format._text(-0.12) == "-0.12"
    assert csv_format._text("-0.12") == "'-0.12"

"""Tables of the command line: names stay whole where there is room, and drive no terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from benchbench.cli.text_tables import name_widths, table_of_texts, wide_console

ROWS = [
    ("embedding-head", "a classification head on the final token", "single-label, multi-label"),
    ("frozen-embedding", "logistic regression on the features", "single-label"),
]
COLUMNS = ("method", "description", "data")


def printed(width, rows=ROWS):
    console = Console(file=io.StringIO(), width=width)
    console.print(table_of_texts(COLUMNS, rows, ("description",), width))
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("room", "widths"),
    [(25, [16, 9]), (24, [12, 9]), (21, [12, 9]), (20, [None, None])],
    ids=["texts", "words", "words-just", "neither"],
)
def test_a_column_is_as_wide_as_its_longest_text_else_as_its_longest_word(room, widths):
    assert name_widths([["method", "two wordsandmore"], ["causal-lm"]], room) == widths


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_name_is_broken_and_no_line_too_long(width):
    text = printed(width)
    for word in ("embedding-head", "frozen-embedding", "single-label,", "multi-label"):
        assert word in text
    assert max(map(len, text.splitlines())) <= width


def test_a_terminal_that_is_too_narrow_for_names_loses_no_character():
    lines = [line.split("│")[1:-1] for line in printed(24).splitlines() if "│" in line]
    first, *_ = zip(*lines, strict=True)
    assert "".join(text.strip() for text in first) == "embedding-headfrozen-embedding"


def test_a_name_neither_drives_the_terminal_nor_is_markup():
    text = printed(200, [("\x1b[2J[bold]x[/]", "a\nb", "c")])
    assert "\x1b" not in text
    assert "[bold]x[/]" in text


def test_without_a_terminal_and_without_columns_tables_are_wide(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    assert wide_console().width == 120
    monkeypatch.setenv("COLUMNS", "70")
    assert wide_console().width == 70

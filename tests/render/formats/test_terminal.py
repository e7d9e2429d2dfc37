"""A leaderboard on a terminal: names are data."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from benchbench.render.formats import terminal
from tests.render.formats.test_markdown import HOSTILE, table_of
from tests.support.reports import leaderboard, section


def printed(table, width=300, whole=False, **options):
    console = Console(file=io.StringIO(), width=width, **options)
    terminal.show(table, console, whole=whole)
    terminal.show_verdict(table, console)
    return console.file.getvalue()


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_name_does_not_drive_the_terminal(name):
    text = printed(table_of(name))
    assert all(character.isprintable() or character in "\n " for character in text)
    text.encode()
    assert len(text.splitlines()) == len(printed(table_of("plain")).splitlines())


def test_colours_of_ours_are_all_that_drives_it():
    text = printed(table_of(HOSTILE["ansi"]), force_terminal=True, color_system="standard")
    rest = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert "\x1b" not in rest
    assert "\x07" not in rest
    assert "\x1b[31mred" not in text


def test_console_markup_in_a_name_is_plain_text():
    assert "[bold red]x[/]" in printed(table_of("[bold red]x[/]"))
    assert ":smile:" in printed(table_of(":smile:"))


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_short_one_is_one_table_that_fits_and_ends_with_the_verdict(width):
    told = section(verdict=("tfidf-svm is first.", "It trains in 3 s."))
    lines = printed(leaderboard(told), width=width).splitlines()
    assert max(map(len, lines)) <= width
    assert sum("\u2500\u2500" in line for line in lines) == 1  # the rule below the only heading
    assert "macro-F1" in "".join(lines)
    assert " ".join(lines[-2:]).endswith("tfidf-svm is first. It trains in 3 s.")
    assert "all notes: benchbench leaderboard --all" in "".join(lines)
    assert not any("F1 of a label" in line for line in lines)


def test_a_wide_window_leaves_no_column_out():
    text = printed(leaderboard(section()), width=400)
    assert "more column" not in text


def test_costs_are_shown_before_other_columns():
    text = printed(leaderboard(section()), width=100)
    assert "training s" in text and "documents/s" in text


def test_the_whole_one_has_all_notes_and_columns():
    text = printed(leaderboard(section()), width=80, whole=True)
    assert "F1 of a label" in text and "Warning: none." in text
    assert "more column" not in text


def test_the_verdict_names_the_dataset_where_there_are_several():
    one, two = section(verdict=("a is first.",)), section(dataset="other", verdict=("b is first.",))
    assert printed(leaderboard(one, two)).endswith("demo-claims: a is first.\nother: b is first.\n")
    assert printed(leaderboard(one)).endswith("\na is first.\n")

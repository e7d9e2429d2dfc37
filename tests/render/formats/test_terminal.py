"""A leaderboard on a terminal: names are data."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from benchbench.render.formats import terminal
from tests.render.formats.test_markdown import HOSTILE, table_of


def printed(table, **options):
    console = Console(file=io.StringIO(), width=300, **options)
    terminal.show(table, console)
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

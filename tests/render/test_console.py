"""Whatever text is printed, the terminal gets no control or hidden character of it."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from benchbench.render.characters import hidden, plain_lines
from benchbench.render.console import terminal_console

OURS = re.compile(r"\x1b\[[0-9;]*m")
"""The colours that rich writes."""
HOSTILE = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202eevil\u2066\r\x00\x7f"


def table_of(text):
    table = Table(title=text)
    table.add_column(text)
    table.add_row(text)
    return table


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
@pytest.mark.parametrize("make", [str, Text, table_of])
def test_a_console_prints_hostile_texts_as_replacements(make, terminal):
    out = io.StringIO()
    options = {"force_terminal": terminal, "width": 200}
    console = terminal_console(file=out, **options)
    console.print(make(f"[bold]{HOSTILE}[/y]"), style="red")
    text = OURS.sub("", out.getvalue())
    assert not [character for character in text if hidden(character) and character != "\n"]
    assert "evil" in text
    assert ("\x1b[" in out.getvalue()) == terminal


def test_colours_of_a_captured_text_stay():
    console = terminal_console(file=io.StringIO(), force_terminal=True)
    with console.capture() as capture:
        console.print("x", style="red")
    assert "\x1b[31mx" in capture.get()


@given(st.text())
def test_only_ends_of_lines_and_tabs_are_left_of_what_is_hidden(text):
    lines = plain_lines(text)
    assert len(lines) == len(text)
    rest = lines.replace("\r\n", "").replace("\n", "").replace("\t", "")
    assert not any(map(hidden, rest))
    assert plain_lines(lines) == lines

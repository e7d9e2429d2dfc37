"""Names of columns and labels, reasons and errors never drive the terminal they are printed on."""

from __future__ import annotations

import io
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchbench import Outcome
from benchbench.cli import main
from benchbench.cli.plain_streams import PlainStream
from benchbench.evidence.board import BoardCell, write_board
from benchbench.machine import interrupts
from benchbench.records.attempts import publish
from benchbench.render.characters import hidden
from tests.support.building import cell, record
from tests.support.commands import benchbench
from tests.support.predicted import store_of

HOSTILE = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202eevil\u2066"


@pytest.fixture
def command(monkeypatch, capfd):
    """Return a function that runs the command in this process; it returns all that is printed."""
    handlers = {number: signal.getsignal(number) for number in interrupts.STOPS}

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["benchbench", *map(str, words)])
        with monkeypatch.context() as streams, pytest.raises(SystemExit) as ended:
            streams.setattr(sys, "stdout", sys.stdout)
            streams.setattr(sys, "stderr", sys.stderr)
            main()
        printed = capfd.readouterr()
        return ended.value.code, printed.out + printed.err

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


def bad(text):
    """Return the characters of a text that a terminal would obey."""
    return [
        character for character in text.replace("\t", "") if character != "\n" and hidden(character)
    ]


def test_a_stream_replaces_what_drives_a_terminal_and_passes_the_rest_on():
    out = io.StringIO()
    stream = PlainStream(out)
    stream.write(f"a\tb {HOSTILE}\n")
    stream.writelines(["é – ", "x\x00\n"])
    assert bad(out.getvalue()) == []
    assert out.getvalue().startswith("a\tb \ufffd[2J")
    assert "é – x\ufffd\n" in out.getvalue()
    assert stream.unfiltered is out
    assert stream.isatty() is False


def test_a_run_on_hostile_headers_and_labels_prints_none_of_them_raw(tmp_path):
    rows = "".join(
        f"the {word} {number},{word}{HOSTILE}\n" for number in range(30) for word in "abc"
    )
    (tmp_path / "t.csv").write_text(f"text{HOSTILE},label{HOSTILE}\n{rows}")
    words = ("run", "--csv", "t.csv", "--method", "majority", "--seeds", "0")
    asked = ("--text", f"text{HOSTILE}", "--label", f"label{HOSTILE}")
    done = benchbench(tmp_path, *words, *asked, FORCE_COLOR="")
    assert bad(done.stdout + done.stderr) == []
    assert "majority" in done.stdout
    refused = benchbench(tmp_path, *words, "--text", f"t{HOSTILE}", "--label", "x", code=2)
    assert bad(refused.stdout + refused.stderr) == []
    assert "evil" in refused.stderr


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("ls", "runs"), id="ls"),
        pytest.param(("leaderboard", "--format", "terminal"), id="terminal"),
        pytest.param(("leaderboard", "--format", "markdown"), id="markdown"),
        pytest.param(("leaderboard", "--format", "json"), id="json"),
        pytest.param(("leaderboard", "--format", "html"), id="html"),
        pytest.param(("leaderboard", "--format", "latex"), id="latex"),
        pytest.param(("compare", "head" + HOSTILE, "tfidf" + HOSTILE), id="compare"),
        pytest.param(("compare", "no" + HOSTILE, "tfidf"), id="an-error"),
        pytest.param(("leaderboard", "no" + HOSTILE), id="another-error"),
        pytest.param(("leaderboard", f"--{HOSTILE}"), id="wrong-usage"),
    ],
)
def test_commands_that_read_print_nothing_raw(tmp_path, command, words):
    systems = (("head" + HOSTILE, "", 2.0, 1), ("tfidf" + HOSTILE, "", 1.0, 1))
    code, text = command(*words, "--store", hostile_store(tmp_path, systems))
    assert bad(text) == []
    assert "evil" in text or "\\u202e" in text
    assert code == (2 if words[-1].startswith(("no", "--")) or words[1].startswith("no") else 0)


def hostile_store(folder, systems):
    """Return a store in which names, a dataset and a reason are hostile."""
    store, made = store_of(folder, systems, dataset="claims" + HOSTILE)
    lost = record(
        cell("claims" + HOSTILE, "lost", None), "failed", reason=HOSTILE, identity={"cell": "lost"}
    )
    lost = publish(store, Outcome(lost, Path()))
    of = BoardCell(lost.cell, lost.id, lost.key)
    write_board(store, replace(made, cells=(*made.cells, of)), ())
    return store.root

"""The progress watcher: plain lines where the output is no terminal, no markup from names."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from benchbench import Event
from benchbench.cli.progress import ProgressWatcher, detail, summary
from benchbench.contract.hookspecs import hookspec
from tests.support.building import cell, record


def watch(records, **options):
    """Return what is printed while these records come in."""
    console = Console(file=io.StringIO(), width=120, **options)
    with ProgressWatcher(console, len(records)) as watcher:
        for position, one in enumerate(records, start=1):
            watcher.benchbench_cell_started(one.cell, position, len(records))
            watcher.benchbench_cell_progress(one.cell, Event("train", 1, 4, {"loss": 0.5}))
            watcher.benchbench_cell_finished(one)
    return console.file.getvalue()


def test_without_a_terminal_every_finished_cell_is_one_plain_line():
    done = record(cost={"wall_seconds": 2.25})
    lost = record(cell(seed=1), "failed", reason="ValueError: no")
    assert watch([done, lost]).splitlines() == [
        "[1/2] head · llama · claims · seed 0: ok in 2.2 s",
        "[2/2] head · llama · claims · seed 1: failed: ValueError: no",
    ]


def test_on_a_terminal_the_cursor_is_given_back():
    text = watch([record()], force_terminal=True)
    assert "\x1b[?25l" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")


@pytest.mark.parametrize("terminal", [False, True], ids=["file", "terminal"])
def test_a_name_neither_drives_the_terminal_nor_is_markup(terminal):
    name = "\x1b[2J[bold]x[/]\x07"
    one = record(cell(method=name), "failed", reason=name)
    text = watch([one], force_terminal=terminal, color_system=None)
    assert "\x1b[2J" not in text
    assert "\x07" not in text
    assert "[bold]x[/]" in text


def test_progress_of_a_cell_that_was_not_announced_is_taken_calmly():
    watcher = ProgressWatcher(Console(file=io.StringIO()), 1)
    watcher.benchbench_cell_progress(cell(), Event("train", 1, 2))
    watcher.benchbench_cell_finished(record())
    assert "[1/1]" in watcher._console.file.getvalue()


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (Event("predict", 1, 2), "predict"),
        (Event("train", 1, 2, {"loss": 0.12345}), "train · loss 0.123"),
        (Event("predict", 1, 2, {"documents_per_second": 12.7}), "predict · 13 documents/s"),
    ],
)
def test_what_a_cell_is_at(event, text):
    assert detail(event) == text


@pytest.mark.parametrize(
    ("status", "style"), [("ok", "green"), ("skipped", "yellow"), ("oom", "bold red")]
)
def test_an_outcome_has_its_colour(status, style):
    assert style in [span.style for span in summary(record(status=status), 1, 1).spans]


def test_the_watcher_implements_hooks_that_exist():
    from pluggy import PluginManager

    from benchbench.contract import hookspecs

    manager = PluginManager(hookspec.project_name)
    manager.add_hookspecs(hookspecs)
    manager.register(ProgressWatcher(Console(file=io.StringIO()), 1))
    manager.check_pending()
    assert len(manager.get_plugins()) == 1

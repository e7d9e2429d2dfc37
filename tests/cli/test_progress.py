"""The progress watcher: plain lines where the output is no terminal, no markup from names."""

from __future__ import annotations

import io
import threading
import time

import pytest
from rich.console import Console
from rich.text import Text

from benchbench import Event
from benchbench.cli.durations import whole_grid
from benchbench.cli.heartbeat import StillAtWork, ticking
from benchbench.cli.progress import ProgressWatcher, summary
from benchbench.cli.progress_text import describe
from benchbench.contract.hookspecs import hookspec
from benchbench.planning import Forecast, RunningCell, time_left, with_event
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


def test_what_a_cell_warns_of_stands_below_its_line():
    done = record(facts={"warnings": ["labels are scored plainly\x1b[2J", 5]})
    lines = watch([done]).splitlines()
    assert lines[1:] == ["  Warning: labels are scored plainly\ufffd[2J"]


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


class Clock:
    """A clock that a test sets."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Log:
    """The lines of a run whose clock the test sets."""

    def __init__(self, total, needs=None, jobs=1, **options):
        self.clock = Clock()
        self.console = Console(file=io.StringIO(), width=80, **options)
        self.watcher = ProgressWatcher(self.console, total, needs, jobs, self.clock)

    def start(self, of):
        self.watcher.benchbench_cell_started(of, 1, 1)

    def report(self, of, *event):
        self.watcher.benchbench_cell_progress(of, Event(*event))

    def finish(self, of, seconds):
        self.watcher.benchbench_cell_finished(record(of, cost={"wall_seconds": seconds}))

    def until(self, end):
        """Let the clock run, as fast as the computer can."""
        while self.clock.now < end:
            self.clock.now += 0.5
            self.watcher.tick()

    def lines(self):
        """Return the lines since the last call."""
        text = self.console.file.getvalue()
        self.console.file.truncate(0)
        self.console.file.seek(0)
        return text.splitlines()


def test_a_cell_that_reports_nothing_has_a_line_every_thirty_seconds():
    log, one = Log(1), cell()
    log.start(one)
    log.until(29.5)
    assert log.lines() == []
    log.until(30.0)
    title = "[0/1] head · llama · claims · seed 0"
    rest = "all cells: unknown time left for 1 cell"
    assert log.lines() == [f"{title}: started 30 s ago, no step reported yet; {rest}"]
    log.report(one, "load", 0, 1)
    log.until(90.0)
    assert log.lines() == [f"{title}: still in load, {time}; {rest}" for time in ("30 s", "60 s")]


def test_a_line_says_stage_cell_step_loss_speed_and_what_is_left_of_cell_and_grid():
    needs = {
        cell(seed=0): Forecast("estimated", seconds=200.0, training_share=0.8, predictions=99),
        cell(seed=1): Forecast("estimated", seconds=7199.0),
        cell(seed=2): Forecast("unknown"),
    }
    log, one = Log(3, needs), cell(seed=0)
    log.start(one)
    log.report(one, "train", 0, 400)
    log.until(29.5)
    log.report(one, "train", 120, 400, {"loss": 0.5311, "documents_per_second": 210.4})
    log.until(30.0)
    assert log.lines() == [
        "[0/3] head · llama · claims · seed 0: train 120 of 400, loss 0.531, 210 documents/s, "
        "about 93 s left; all cells: about 2.0 h left, 1 cell unknown"
    ]


def test_cells_that_run_at_once_have_a_line_each_and_short_cells_none():
    log = Log(9, jobs=2)
    long, late = cell(method="long"), cell(method="late")
    log.start(long)
    for number in range(5):
        short = cell(method="short", seed=number)
        log.start(short)
        log.until(log.clock.now + 20.0)
        log.finish(short, 20.0)
    log.start(late)
    log.until(150.0)
    lines = log.lines()
    assert sum("] long" in line for line in lines) == 5
    assert sum("] late" in line for line in lines) == 1
    assert [line for line in lines if "] short" in line and "ok in 20.0 s" not in line] == []


def test_finished_cells_correct_what_is_left_and_every_line_says_it():
    cells = [cell(seed=seed) for seed in range(3)]
    log = Log(3, dict.fromkeys(cells, Forecast("estimated", seconds=60.0)))
    log.start(cells[0])
    log.finish(cells[0], 600.0)
    (line,) = log.lines()
    assert line.endswith("ok in 600.0 s; all cells: about 20 min left")
    for one in cells[1:]:
        log.start(one)
        log.finish(one, 600.0)
    assert log.lines()[-1].endswith("ok in 600.0 s")


def test_lines_are_whole_and_without_control_characters_however_long():
    log, one = Log(1), cell(method="\x1b[2Jm" * 30)
    log.start(one)
    log.report(one, "a\rb\n", 0, 1)
    log.until(30.0)
    (line,) = log.lines()
    assert len(line) > 200
    assert line.isprintable()


@pytest.mark.parametrize("terminal", [False, True], ids=["file", "terminal"])
def test_quiet_is_quiet(terminal):
    log = Log(1, quiet=True, force_terminal=terminal)
    with log.watcher:
        log.start(cell())
        log.until(60.0)
        log.finish(cell(), 60.0)
    assert log.lines() == []


def test_on_eighty_columns_bars_keep_their_place_and_the_grid_its_estimate():
    needs = {cell(dataset=f"{number}"): Forecast("unknown") for number in range(3)}
    needs |= {cell(seed=seed): Forecast("estimated", seconds=3600.0) for seed in range(57)}
    log, one = Log(58, needs, force_terminal=True, force_interactive=True), cell()
    log.start(one)
    log.report(one, "train", 0, 1056, {"loss": 0.5, "documents_per_second": 140.0})
    log.clock.now = 75.0
    log.report(one, "train", 528, 1056)
    log.console.print(log.watcher._draw())
    grid, title, train = [Text.from_ansi(line).plain.rstrip() for line in log.lines()]
    bar = "━" * 14
    assert grid == f"all cells  {bar} 0/58 in 75 s · about 57.0 h left, 3 cells unknown"
    assert title == "head · llama · claims · seed 0 · 75 s"
    assert train.replace("╺", "━").replace("╸", "━") == (
        f"train      {bar} 528/1056 · 75 s of train left · loss 0.500 · 140 docu…"
    )


def test_without_a_terminal_a_thread_gives_the_lines():
    log = Log(1)
    with log.watcher:
        log.start(cell())
        log.clock.now = 31.0
        end = time.monotonic() + 5
        while not (lines := log.lines()) and time.monotonic() < end:
            time.sleep(0.01)
    assert "started 31 s ago" in lines[0]
    assert "benchbench-heartbeat" not in {thread.name for thread in threading.enumerate()}


def test_work_outside_cells_says_that_it_goes_on():
    clock, lines = Clock(), []
    work = StillAtWork(lines.append, "Planning the cells", clock)
    for now in (29.0, 30.0, 31.0, 61.0):
        clock.now = now
        work.tick()
    work.say("Reading dataset claims ...")
    for now in (90.0, 91.0):
        clock.now = now
        work.tick()
    assert lines == [
        "Planning the cells: still at it, 30 s",
        "Planning the cells: still at it, 61 s",
        "Reading dataset claims ...",
        "Reading dataset claims: still at it, 30 s",
    ]


def test_a_clock_ends_with_its_block():
    calls = []
    with ticking(lambda: calls.append(1), seconds=0.005):
        time.sleep(0.05)
    counted = len(calls)
    time.sleep(0.02)
    assert 0 < counted == len(calls)


@pytest.mark.parametrize(
    ("event", "silence", "text"),
    [
        (Event("predict", 1, 2), 0, "predict 1 of 2"),
        (Event("train", 1, 2, {"loss": 0.12345}), 0, "train 1 of 2, loss 0.123"),
        (Event("predict", 1, 2, {"documents_per_second": 12.7}), 29,
         "predict 1 of 2, 13 documents/s"),
        (Event("load", 0, 1), 0, "still in load, 0 s"),
        (Event("train", 1, 2), 600, "still in train, 1 of 2, 10 min since its last step"),
        (Event("predict", 2, 2), 60, "predict is done, still in what follows, 60 s"),
    ],
    ids=["step", "loss", "speed", "no step", "silent", "after the last step"],
)  # fmt: skip
def test_what_a_cell_is_at(event, silence, text):
    running = with_event(RunningCell(0.0, 0.0), event, 5.0)
    assert describe(running, Forecast("unknown"), 5.0 + silence, silence=30.0) == text


@pytest.mark.parametrize(
    ("seconds", "jobs", "text"),
    [
        ([6480.0, 6480.0], 1, "2 cells to run, about 3.6 h on this machine."),
        ([60.0], 4, "1 cell to run, about 60 s on this machine."),
        ([60.0, None, 60.0], 2, "3 cells to run, about 60 s on this machine, 2 cells at a time; "
         "the time is unknown for 1 of them."),
        ([None, None], 1, "2 cells to run; the time is unknown for all of them."),
        ([None], 1, "1 cell to run; the time is unknown for it."),
    ],
    ids=["known", "one", "some unknown", "all unknown", "one unknown"],
)  # fmt: skip
def test_how_long_a_grid_takes_is_said_before(seconds, jobs, text):
    assert whole_grid(time_left(seconds, jobs), jobs) == text


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

"""A function in a process of its own: its errors arrive, and nothing outlives it."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from benchbench import LoaderError, Skip
from benchbench.planning.reader_process import ProcessDied, call_in_process


class Awkward(Exception):
    """An exception that cannot be made again from its arguments."""

    def __init__(self, first, second):
        super().__init__(f"{first} and {second}")


def write(path):
    path.write_text(str(os.getpid()))


def fail(kind):
    if kind == "loader":
        raise LoaderError("t.csv, line 3: no label")
    if kind == "skip":
        raise Skip("not here")
    if kind == "awkward":
        raise Awkward("this", "that")
    if kind == "died":
        os.kill(os.getpid(), signal.SIGKILL)
    raise ZeroDivisionError("by zero")


def read_for_long(folder):
    try:
        (folder / "begun").write_text(str(os.getpid()))
        time.sleep(60)
    finally:
        (folder / "tidied").write_text("")


def test_a_function_runs_elsewhere(tmp_path):
    call_in_process(write, tmp_path / "pid")
    assert int((tmp_path / "pid").read_text()) != os.getpid()


@pytest.mark.parametrize(
    ("kind", "error", "text"),
    [
        ("loader", LoaderError, "t.csv, line 3: no label"),
        ("skip", Skip, "not here"),
        ("awkward", RuntimeError, "Awkward: this and that"),
        ("bug", ZeroDivisionError, "by zero"),
        ("died", ProcessDied, ""),
    ],
    ids=["loader", "skip", "awkward", "bug", "died"],
)
def test_what_goes_wrong_arrives_as_it_was(kind, error, text):
    with pytest.raises(error) as caught:
        call_in_process(fail, kind)
    assert str(caught.value) == text
    if kind == "bug":
        assert "in fail" in caught.value.__notes__[0]


def test_a_stop_does_not_wait_for_it_and_lets_it_tidy_up(tmp_path):
    def stop():
        while not (tmp_path / "begun").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=stop, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        call_in_process(read_for_long, tmp_path)
    assert (tmp_path / "tidied").exists()
    assert not Path(f"/proc/{(tmp_path / 'begun').read_text()}").exists()

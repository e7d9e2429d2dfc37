"""What several test files share."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from benchbench.machine import interrupts, wait_briefly

HERE = Path(__file__).resolve().parent

wait_briefly()  # the tests, too, run beside each other

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # the tests were started in the background; what they start must see Ctrl-C all the same
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The reference folder with real data, models and tokenizers, where it is at hand."""
    folder = Path(os.environ.get("BENCHBENCH_SHARED", HERE.parent.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip("no reference folder: set BENCHBENCH_SHARED to one with data/ and models/")
    return folder


@pytest.fixture(autouse=True)
def stops_are_forgotten(monkeypatch):
    """A stop that one test raises in this process would end every command of the next ones."""
    monkeypatch.setattr(interrupts, "_state", interrupts._State())

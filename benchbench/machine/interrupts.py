"""Ctrl-C and SIGTERM: the first one raises `Stopped`, the second one ends the process at once.

A program that is stopped while it imports a library may get the exception in a place that swallows
it or turns it into another one. So the request is also remembered: see `requested`.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

STOPS = (signal.SIGINT, signal.SIGTERM)
SAME_SECONDS = 0.2
"""`timeout` and shells signal a process and then its group: within this time that is one stop."""
AGAIN_SECONDS = 0.05


class Stopped(KeyboardInterrupt):
    """Ctrl-C or SIGTERM was received."""


@dataclass
class _State:
    """The signal that was received first, when, and how many blocks hold it back."""

    number: int | None = None
    at: float = 0.0
    held: int = 0
    raised: bool = False


_state = _State()


def install() -> None:
    """Handle Ctrl-C and SIGTERM in this process, from its main thread.

    A Ctrl-C that the parent switched off stays off, as for a command in the background.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGTERM, _stop)
    sys.unraisablehook = _unraisable


def requested() -> int | None:
    """Return the signal that asked this process to stop, None where none did."""
    return _state.number


@contextmanager
def held_back() -> Iterator[None]:
    """Let the block finish before a stop is raised, as where a result is being stored."""
    _state.held += 1
    try:
        yield
    finally:
        _state.held -= 1
        if _state.number is not None and not _state.raised and not _state.held:
            _raise()


@contextmanager
def unseen_by_children() -> Iterator[None]:
    """Let a process that the block starts never see a stop: the parent decides what it means.

    Signals are blocked in this thread, and a child begins with the same mask. Even its imports
    are safe then; it may unblock them with `see_again`.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def see_again() -> None:
    """In a child: die of SIGTERM again, and go on ignoring Ctrl-C, as all its children will."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)


def _stop(number: int, frame: FrameType | None) -> None:
    now = time.monotonic()
    if _state.number is None:
        _state.number, _state.at = number, now
    elif now - _state.at > SAME_SECONDS:
        os._exit(128 + number)  # the cells notice, and end
    if not _state.held and not _state.raised:
        _raise()


def _raise() -> None:
    _state.raised = True
    raise Stopped


def _unraisable(unraisable: Any) -> None:
    """Raise a stop again that came while something was being freed: Python drops such errors."""
    if not issubclass(unraisable.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)
        return

    def again() -> None:
        number = _state.number or signal.SIGINT
        _state.number, _state.raised = None, False
        os.kill(os.getpid(), number)

    timer = threading.Timer(AGAIN_SECONDS, again)
    timer.daemon = True
    timer.start()

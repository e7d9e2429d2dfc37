"""The processes that a process has started, in any session, found and ended.

Linux hands the orphans among them to the process itself once it has called `adopt_orphans`. Then
none can get away, whatever session it is in. Elsewhere only a process group can be ended.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
PROCESSES = Path("/proc")
POLL_SECONDS = 0.02


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends. Linux alone can do that."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """Let the kernel kill this process when its parent is killed. Linux alone can do that."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def end_descendants(group: int, patience: float) -> None:
    """End all descendants of this process: first by SIGTERM, after `patience` seconds by SIGKILL.

    `group` is a process group that ends with them; it is all there is where /proc is missing.
    A process of another user stays.
    """
    if not _any_child():
        return
    _signal_all(group, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while _any_child() and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    deadline = time.monotonic() + patience
    while _any_child() and time.monotonic() < deadline:
        _signal_all(group, signal.SIGKILL)
        time.sleep(POLL_SECONDS)


def ended_children() -> Iterator[tuple[int, int]]:
    """Yield the process id and the exit code of every child that has ended since the last call."""
    while True:
        try:
            process, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if process == 0:
            return
        yield process, os.waitstatus_to_exitcode(status)


def descendants(process: int) -> list[int]:
    """Return the children of a process, their children and so on; none where /proc is missing."""
    children: dict[int, list[int]] = {}
    for stat in PROCESSES.glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):  # it has just ended
            # the name, in parentheses, may itself hold parentheses and spaces
            parent = int(stat.read_bytes().rpartition(b")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found, waiting = [], [process]
    while waiting:
        new = children.get(waiting.pop(), [])
        found += new
        waiting += new
    return found


def _any_child() -> bool:
    """Collect the children that have ended; say whether any is left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _signal_all(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
    for process in descendants(os.getpid()):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process, number)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(option, value, 0, 0, 0)

"""A guardian: a small process above another one, which ends all that that one has started.

    suite -> fork server -> guardian -> cell -> whatever its plugins start

It runs no code of a plugin, so no plugin can stop it from tidying up. It acts when the process
below it ends in any way, when it is asked by SIGTERM, and when the suite is gone, even by SIGKILL.
"""

from __future__ import annotations

import os
import resource
import signal
import threading
from contextlib import suppress
from multiprocessing import connection, parent_process

from benchbench.machine import interrupts
from benchbench.machine.descendants import (
    adopt_orphans,
    die_with_parent,
    end_descendants,
    ended_children,
)

GRACE_SECONDS = 2.0
"""How long processes have after SIGTERM before they are killed."""
LOG_BYTES = 16 * 2**20
"""The size at which a log starts again: no cell may fill the disk with messages."""
LOOK_SECONDS = 1.0
AWAITED = (signal.SIGCHLD, signal.SIGTERM)


def enter_guarded_process(log: int | None = None) -> None:
    """Return in a new child process of this one; this one becomes its guardian and never returns.

    The child has a session of its own. The guardian ends as the child does: with the same code,
    or by the same signal. `log` is the descriptor of the file that the child's output
    goes to, if any.
    """
    os.setsid()
    adopt_orphans()
    signal.signal(signal.SIGCHLD, lambda number, frame: None)  # what is ignored is not awaited
    signal.pthread_sigmask(signal.SIG_BLOCK, AWAITED)
    child = os.fork()
    if child == 0:
        os.setsid()
        die_with_parent()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
        interrupts.see_again()
        return
    threading.Thread(target=_watch, args=(log,), daemon=True).start()
    code = _end_of(child)
    end_descendants(child, GRACE_SECONDS)
    _end_like(code)


def _end_of(child: int) -> int:
    """Return the exit code of the child, once it has ended or is to be ended."""
    while signal.sigwait(AWAITED) == signal.SIGCHLD:
        for process, code in ended_children():
            if process == child:
                return code
    return -signal.SIGTERM


def _watch(log: int | None) -> None:
    """Ask for the end when the suite is gone, and meanwhile keep the log small."""
    suite = parent_process()
    while suite is not None and not connection.wait([suite.sentinel], LOOK_SECONDS):
        if log is not None and os.fstat(log).st_size > LOG_BYTES:
            os.ftruncate(log, 0)
    os.kill(os.getpid(), signal.SIGTERM)


def _end_like(code: int) -> None:
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the child's own core is enough
        with suppress(OSError):  # nothing can be set for SIGKILL
            signal.signal(-code, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [-code])
        os.kill(os.getpid(), -code)
    os._exit(code)

"""A function called in a process of its own: its memory is freed, and a crash is a message."""

from __future__ import annotations

import pickle
import signal
import sys
import traceback
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from benchbench.contract import BenchbenchError, Skip
from benchbench.machine import guardian, interrupts, one_line


class ProcessDied(Exception):
    """The process ended without a word, as where the system killed it."""


def call_in_process(function: Callable[..., None], *arguments: Any) -> None:
    """Call a function in a new process and wait for it; raise what it raises.

    The process ends, with all that it started, when this one is stopped or killed. Raises
    ProcessDied where it ended without a result.
    """
    context = get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(sending, function, arguments))
    with interrupts.unseen_by_children():
        process.start()
    sending.close()
    try:
        error = receiving.recv()
    except EOFError:
        raise ProcessDied from None
    finally:
        _end(process)
    if error is not None:
        raise error


def _run(pipe: Connection, function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    guardian.enter_guarded_process()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # and tidy up
    try:
        function(*arguments)
        pipe.send(None)
    except Exception as error:
        pipe.send(_sendable(error))


def _sendable(error: Exception) -> Exception:
    """Return the exception, or one with its text where it cannot be sent to another process."""
    if not isinstance(error, BenchbenchError | Skip):
        error.add_note(traceback.format_exc())
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(one_line(error))
    return error


def _end(process: BaseProcess) -> None:
    """Wait for a process that has given its result; end it where there is none yet."""
    process.join(0 if interrupts.requested() else guardian.GRACE_SECONDS)
    if process.is_alive():
        process.terminate()
        process.join(2 * guardian.GRACE_SECONDS + 1)
        process.kill()

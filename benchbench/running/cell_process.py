"""A child process of the suite: it has its own session and log, and reports over a pipe."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing import connection, parent_process
from pathlib import Path
from typing import Any

from benchbench.contract import Event, Job
from benchbench.machine import fsio
from benchbench.running.worker import run_job

LOG = "log.txt"
EVENT_SECONDS = 0.1
VISIBLE = "CUDA_VISIBLE_DEVICES"
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def main(job: Job, pipe: Any, visible: str | None = None) -> None:
    """Run one job, in a new session, so that the suite can end it with all that it started.

    `visible` names the GPUs that it may use. The fork server may have started with others.
    """
    os.setsid()
    if visible is not None:
        os.environ[VISIBLE] = visible
    _die_with_parent()
    try:
        _log_to(job.scratch / LOG)
        _limit_threads(job.threads)
        run_job(job, _limited(pipe))
    except OSError as error:  # of the log or the outcome: the scratch folder cannot be written
        pipe.send(f"{job.scratch} cannot be written: {fsio.reason_of(error)}")
    pipe.close()


def _limited(pipe: Any) -> Callable[[Event], None]:
    """Return a function that sends events, the last of a stage and a few per second before it."""
    last = 0.0

    def report(event: Event) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= EVENT_SECONDS or event.step >= event.total:
            last = now
            pipe.send(event)

    return report


def _die_with_parent() -> None:
    """End this process group when the suite is killed: an orphan would keep a GPU busy."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        connection.wait([parent.sentinel])
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def _log_to(path: Path) -> None:
    """Send what libraries print to a log beside the outcome; only the suite uses the terminal."""
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)


def _limit_threads(threads: int) -> None:
    from threadpoolctl import threadpool_limits

    for name in THREAD_VARIABLES:
        os.environ[name] = str(threads)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    threadpool_limits(threads)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)

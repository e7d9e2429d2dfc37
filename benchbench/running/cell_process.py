"""The process of a cell: it has a guardian, a session and a log, and reports over a pipe."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchbench.contract import Event, Job
from benchbench.machine import VISIBLE, fsio, guardian, set_threads
from benchbench.running.worker import run_job

LOG = "log.txt"
EVENT_SECONDS = 0.1


def main(job: Job, pipe: Any, visible: str | None = None) -> None:
    """Run one job, under a guardian that ends with it whatever it has started.

    `visible` names the GPUs that it may use. The fork server may have started with others.
    """
    try:
        log = _log_to(job.scratch / LOG)
    except FileNotFoundError:  # the suite was stopped while this process waited for its start
        os._exit(0)
    except OSError as error:
        _refuse(pipe, job, error)
        return
    guardian.enter_guarded_process(log)
    if visible is not None:
        os.environ[VISIBLE] = visible
    try:
        _limit_threads(job.threads)
        run_job(job, _limited(pipe))
    except OSError as error:  # of the outcome: the scratch folder cannot be written
        _refuse(pipe, job, error)
    pipe.close()


def _refuse(pipe: Any, job: Job, error: OSError) -> None:
    """Tell the suite that there can be no outcome."""
    pipe.send(f"{job.scratch} cannot be written: {fsio.reason_of(error)}")


def _limited(pipe: Any) -> Callable[[Event], None]:
    """Return a function that sends events: the first and the last of a stage, a few between them.

    A step that goes back begins anew: validation and test are predicted in stages of one name.
    """
    last, sent = Event("", 0, 0), 0.0

    def report(event: Event) -> None:
        nonlocal last, sent
        goes_on = (event.stage, event.total) == (last.stage, last.total) and event.step > last.step
        last, now = event, time.monotonic()
        if not goes_on or now - sent >= EVENT_SECONDS or event.step >= event.total:
            sent = now
            pipe.send(event)

    return report


def _log_to(path: Path) -> int:
    """Send what libraries print to a log beside the outcome; only the suite uses the terminal."""
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    return log


def _limit_threads(threads: int) -> None:
    from threadpoolctl import threadpool_limits

    set_threads(threads)
    threadpool_limits(threads)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)

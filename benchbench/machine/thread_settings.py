"""What the environment tells numerical libraries about threads, before they are imported."""

from __future__ import annotations

import os

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
WAITING = {"GOMP_SPINCOUNT": "1000"}
"""How long a thread of PyTorch looks for work before it sleeps. By default it is milliseconds.

With another busy process on the same cores, a thread that looks keeps them from the one that it
waits for: two processes of two threads each on two cores took over fifteen times as long. On a
machine of its own, a process takes as long as before.
"""
CHOICES = (*WAITING, "OMP_WAIT_POLICY")
"""The variables with which a user decides that."""


def set_threads(threads: int) -> None:
    """Let libraries that are imported from now on use so many threads, here and in children."""
    for name in THREAD_VARIABLES:
        os.environ[name] = str(threads)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    wait_briefly()


def wait_briefly() -> None:
    """Let threads that wait for work sleep soon, unless the user has decided otherwise."""
    if not any(name in os.environ for name in CHOICES):
        os.environ.update(WAITING)

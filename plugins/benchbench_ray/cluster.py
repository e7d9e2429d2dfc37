"""A Ray cluster: how it is reached, and what there is room for."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchbench import BenchbenchError, Job

MIB, GIB = 2**20, 2**30
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # what raylets say of each other would stand in the middle of the leaderboard
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",
}
ANSWER_SECONDS = 10.0
INSTALL = "pip install 'benchbench[ray]'"


@dataclass(frozen=True, slots=True)
class Need:
    """What a cell asks of a node; `memory` in bytes, 0 where it is unknown."""

    cpus: int
    gpus: int
    memory: int

    @classmethod
    def of(cls, job: Job, *, memory: bool = True) -> Need:
        """Return a CPU a thread, a GPU where one is computed on, and the memory foretold."""
        asked = (job.memory_mib or 0) * MIB if memory else 0
        return cls(job.threads, int(job.device == "cuda"), asked)

    def fits(self, resources: Mapping[str, float]) -> int:
        """Return how many such cells a node with these resources holds at once."""
        pairs = ((self.cpus, "CPU"), (self.gpus, "GPU"), (self.memory, "memory"))
        return min(int(resources.get(name, 0) // asked) for asked, name in pairs if asked)

    def __str__(self) -> str:
        """Say it in words."""
        cpus = f"{self.cpus} CPU" + "s" * (self.cpus > 1)
        gpus = f", {self.gpus} GPU" if self.gpus else ""
        return cpus + gpus + (f", {self.memory / GIB:.1f} GiB of memory" if self.memory else "")


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of the cluster that is alive."""

    id: str
    resources: Mapping[str, float]

    def __str__(self) -> str:
        """Say what it has, not where it is: this ends in records."""
        memory = self.resources.get("memory", 0) / GIB
        found = [f"{self.resources.get(name, 0):g} {name}" for name in ("CPU", "GPU")]
        return f"{', '.join(found)}, {memory:.1f} GiB of memory"


def connect(address: str) -> None:
    """Connect this process to a cluster, or to a Ray of its own on this machine.

    Raises BenchbenchError where Ray is not installed or nothing answers at `address` ("": the
    one that RAY_ADDRESS names, else of its own).
    """
    require_ray()
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    import ray

    if ray.is_initialized():
        return
    address = address or os.environ.get("RAY_ADDRESS") or "local"
    _check_answers(address)
    try:
        with _signals_kept():
            ray.init(
                address,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.CRITICAL,
            )
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise BenchbenchError(
            f"No Ray cluster could be used at '{address}': {' '.join(str(error).split())}"
        ) from error


def require_ray() -> None:
    """Raise BenchbenchError where Ray is not installed."""
    from importlib.util import find_spec

    if find_spec("ray") is None:
        raise BenchbenchError(f"--executor ray needs Ray, which is not installed: {INSTALL}")


def nodes() -> list[Node]:
    """Return the machines that are alive now."""
    import ray

    return [Node(n["NodeID"], n["Resources"]) for n in ray.nodes() if n["Alive"]]


class Census:
    """The machines of the cluster, asked for at most once a second."""

    def __init__(self) -> None:
        self._asked = -1.0
        self._nodes: list[Node] = []

    def nodes(self) -> list[Node]:
        """Return the machines that were alive a second ago."""
        if time.monotonic() - self._asked >= 1.0 or self._asked < 0:
            self._nodes, self._asked = nodes(), time.monotonic()
        return self._nodes

    def room(self, need: Need) -> int:
        """Return how many cells of that need the cluster holds at once."""
        return sum(need.fits(node.resources) for node in self.nodes())

    def beside(self, need: Need, node: str | None) -> int:
        """Return how many other cells of that need may run on the machine that one runs on."""
        return max(0, sum(need.fits(n.resources) for n in self.nodes() if n.id == node) - 1)

    def largest(self) -> Node | None:
        """Return the machine with the most GPUs, CPUs and memory."""

        def size(node: Node) -> tuple[float, ...]:
            return tuple(node.resources.get(name, 0) for name in ("GPU", "CPU", "memory"))

        return max(self.nodes(), key=size, default=None)


def _check_answers(address: str) -> None:
    """Raise BenchbenchError where nothing listens: Ray itself would try for many minutes."""
    if address in ("auto", "local"):
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "/" in host:
        raise BenchbenchError(
            f"A Ray cluster's address is HOST:PORT or auto, found '{address}'. Start benchbench "
            "on one of its machines."
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), ANSWER_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise BenchbenchError(
            f"No Ray cluster answers at '{address}' ({error}); start one with 'ray start --head', "
            "or leave the address out to use this machine."
        ) from error


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Undo what Ray does to SIGTERM, which has a meaning here already."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler: Any = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)

"""A Ray cluster: how to connect to it, and how many cells it has room for."""

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
    # keeps the messages of raylets out of the printed leaderboard
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",
}
ANSWER_SECONDS = 10.0
"""Seconds to wait for a cluster's answer."""
NODE_LIST_SECONDS = 1.0
"""Seconds after which the list of machines is fetched again."""
INSTALL = "pip install 'ray>=2.50'"


@dataclass(frozen=True, slots=True)
class Need:
    """The resources that a cell needs; `memory` in bytes, 0 where it is unknown."""

    cpus: int
    gpus: int
    memory: int

    @classmethod
    def of_job(cls, job: Job, *, memory: bool = True) -> Need:
        """Return one CPU per thread, a GPU for a job on CUDA, and with `memory` its forecast."""
        memory_bytes = (job.memory_mib or 0) * MIB if memory else 0
        return cls(job.threads, int(job.identity.device == "cuda"), memory_bytes)

    def fits(self, resources: Mapping[str, float]) -> int:
        """Return how many such cells fit at once on a node with these resources."""
        pairs = ((self.cpus, "CPU"), (self.gpus, "GPU"), (self.memory, "memory"))
        return min(int(resources.get(name, 0) // amount) for amount, name in pairs if amount)

    def __str__(self) -> str:
        """Return the need in words."""
        cpus = f"{self.cpus} CPU" + "s" * (self.cpus > 1)
        gpus = f", {self.gpus} GPU" if self.gpus else ""
        return cpus + gpus + (f", {self.memory / GIB:.1f} GiB of memory" if self.memory else "")


@dataclass(frozen=True, slots=True)
class Node:
    """A live machine of the cluster."""

    id: str
    resources: Mapping[str, float]

    def __str__(self) -> str:
        """Return its resources in words, without its address: this text ends in records."""
        memory = self.resources.get("memory", 0) / GIB
        processors = [f"{self.resources.get(name, 0):g} {name}" for name in ("CPU", "GPU")]
        return f"{', '.join(processors)}, {memory:.1f} GiB of memory"


def connect(address: str) -> None:
    """Connect this process to a cluster.

    An empty `address` stands for the cluster that RAY_ADDRESS names, else for a new one on this
    machine alone. Raises BenchbenchError where Ray is not installed or nothing answers.
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
            f"Connecting to the Ray cluster at '{address}' failed: {' '.join(str(error).split())}. "
            "Check that it has the same versions of Ray and Python."
        ) from error


def require_ray() -> None:
    """Raise BenchbenchError where Ray is not installed."""
    from importlib.util import find_spec

    if find_spec("ray") is None:
        raise BenchbenchError(f"--executor ray needs Ray, which is not installed: {INSTALL}")


def nodes() -> list[Node]:
    """Return the machines that are alive now."""
    import ray

    return [Node(node["NodeID"], node["Resources"]) for node in ray.nodes() if node["Alive"]]


class LiveNodes:
    """The live machines of the cluster; the list is fetched at most once per second."""

    def __init__(self) -> None:
        self._fetched: float | None = None
        self._nodes: list[Node] = []

    def nodes(self) -> list[Node]:
        """Return the machines that were alive at the last fetch."""
        now = time.monotonic()
        if self._fetched is None or now - self._fetched >= NODE_LIST_SECONDS:
            self._nodes, self._fetched = nodes(), time.monotonic()
        return self._nodes

    def room(self, need: Need) -> int:
        """Return how many cells of that need fit into the cluster at once."""
        return sum(need.fits(node.resources) for node in self.nodes())

    def cells_beside(self, need: Need, node_id: str | None) -> int:
        """Return how many other cells of that need fit on a cell's machine."""
        room = sum(need.fits(node.resources) for node in self.nodes() if node.id == node_id)
        return max(0, room - 1)

    def largest(self) -> Node | None:
        """Return the machine with the most GPUs, CPUs and memory."""

        def size(node: Node) -> tuple[float, ...]:
            return tuple(node.resources.get(name, 0) for name in ("GPU", "CPU", "memory"))

        return max(self.nodes(), key=size, default=None)


def _check_answers(address: str) -> None:
    """Raise BenchbenchError where nothing listens; Ray itself would try for many minutes."""
    if address in ("auto", "local"):
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "/" in host:
        raise BenchbenchError(
            f"A Ray cluster's address is HOST:PORT or auto, found '{address}'. Start benchbench "
            "on a machine of the cluster."
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
    """Restore this process's handler of SIGTERM, which Ray replaces."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler: Any = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)

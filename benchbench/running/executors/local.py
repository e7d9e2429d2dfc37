"""Run jobs on this machine, each in a child process that a server with torch loaded forks."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing import connection, forkserver, get_context
from multiprocessing.process import BaseProcess
from typing import Any

from benchbench.contract import Cell, Event, Job, Outcome, Record, Status
from benchbench.machine import (
    VISIBLE,
    guardian,
    interrupts,
    out_of_memory_kills,
    redact,
    set_threads,
)
from benchbench.running.cell_process import main as run_child
from benchbench.running.executors import preload
from benchbench.running.executors.gpu_places import GpuPlace, Guest, place_for
from benchbench.running.outcome import read_outcome

FAMILIES = ("llama", "mistral", "qwen2", "qwen3")
LIGHT = (
    "benchbench.running.cell_process", "benchbench.catalog.lookup",
    "benchbench.evaluation.registry",
    "benchbench.records.prediction_files", "benchbench.kit.cache",
    "benchbench.kit.data.corpus_store",
    "benchbench.kit.seeding", "pyarrow.parquet", "datasets",
    "sklearn.metrics", "sklearn.feature_extraction.text", "sklearn.svm", "torch",
)  # fmt: skip
HEAVY = (
    "transformers", "transformers.models.auto.tokenization_auto", "safetensors.torch",
    *(f"transformers.models.{family}.modeling_{family}" for family in FAMILIES),
)  # fmt: skip
TOUCHES_CUDA = (
    "peft", "bitsandbytes", "peft.tuners.lora.bnb", "peft.utils.transformers_weight_conversion",
    "transformers.integrations.bitsandbytes",
)  # fmt: skip
PATIENCE_SECONDS = 2 * guardian.GRACE_SECONDS + 1
"""How long a guardian may take to end a cell."""
LOCAL = "local"
Progress = Callable[[Cell, Event], None]


@dataclass
class Running:
    """A child: its process, the end of its pipe, its deadline, and why it was ended."""

    job: Job
    process: BaseProcess
    pipe: Any
    deadline: float | None = None
    killed: Status | None = None
    reason: str = ""
    """Why it could leave no outcome, in its own words."""
    started: float = field(default_factory=time.monotonic)
    place: GpuPlace | None = None
    """The GPU that it was given; None where there is only one, or none."""
    kills_before: int | None = field(default_factory=out_of_memory_kills)

    @property
    def alive(self) -> bool:
        """Whether the process has started and not ended."""
        return self.process.pid is not None and self.process.is_alive()


@dataclass(frozen=True, slots=True)
class LocalExecutor:
    """Runs up to `parallel` children at once, spread over `places` where there are GPUs."""

    parallel: int = 1
    name: str = LOCAL
    places: Sequence[GpuPlace] = ()

    def run(self, jobs: Iterable[Job], progress: Progress) -> Iterator[Outcome]:
        """Yield one outcome per job; on Ctrl-C end the children as "interrupted"."""
        coming = iter(jobs)
        waiting: Job | None = None
        running: list[Running] = []
        try:
            while True:
                while len(running) < self.parallel:
                    waiting = waiting or next(coming, None)
                    if waiting is None or not self._start(waiting, running):
                        break
                    waiting = None
                if not running:
                    return
                _listen(running, progress)
                for child in [child for child in running if not child.alive]:
                    running.remove(child)
                    yield _finish(child, progress)
        except KeyboardInterrupt:
            _end(running, "interrupted")
            for child in running:
                yield _finish(child, progress)
            raise
        finally:
            _end(running, "interrupted")

    def _start(self, job: Job, running: list[Running]) -> bool:
        """Start a child, unless no GPU holds it beside those that run; say whether it started."""
        if not self.places or job.cell.backbone is None:
            _start(job, running)
            return True
        guests = [Guest(one.place.name, one.job.memory_mib) for one in running if one.place]
        place = place_for(job.memory_mib, self.places, guests)
        if place is not None:
            _start(job, running, place)
        return place is not None


def modules_to_preload(device: str, backbone: bool, plugins: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the modules that the fork server imports; with a GPU, none that touches CUDA.

    `plugins` are the modules of plugins. They might touch CUDA, so they are left out with a GPU.
    """
    heavy = HEAVY if backbone else ()
    if device == "cuda":
        return (*LIGHT, *heavy)
    return (*LIGHT, *heavy, *(TOUCHES_CUDA if backbone else ()), *plugins)


def start_server(device: str, backbone: bool, threads: int, plugins: Iterable[str] = ()) -> None:
    """Set up the fork server: its imports, and the settings that must precede them."""
    os.environ[preload.VARIABLE] = ",".join(modules_to_preload(device, backbone, plugins))
    # then torch looks for GPUs in the driver's library and not in CUDA: forks stay possible
    os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"
    set_threads(threads)
    context = get_context("forkserver")
    context.set_forkserver_preload([preload.__name__])


def _start(job: Job, running: list[Running], place: GpuPlace | None = None) -> None:
    """Start a child and add it to those that run; it is there if Ctrl-C comes meanwhile.

    The first one waits for the imports of the fork server.
    """
    context = get_context("forkserver")
    receiving, sending = context.Pipe(duplex=False)
    visible = place.name if place is not None else os.environ.get(VISIBLE)
    process = context.Process(target=run_child, args=(job, sending, visible))
    child = Running(job, process, receiving, place=place)
    running.append(child)
    with interrupts.unseen_by_children():
        forkserver.ensure_running()
    process.start()
    sending.close()
    child.started = time.monotonic()
    child.deadline = None if job.timeout is None else child.started + job.timeout


def _listen(running: list[Running], progress: Progress) -> None:
    """Wait at most one second for events, ends and deadlines of the children."""
    sources = {child.pipe: child for child in running if not child.pipe.closed}
    sentinels = [child.process.sentinel for child in running]
    now = time.monotonic()
    limits = [child.deadline - now for child in running if child.deadline is not None]
    for ready in connection.wait([*sources, *sentinels], max(0.0, min([1.0, *limits]))):
        if ready in sources:
            _forward(sources[ready], progress)
    now = time.monotonic()
    _end([child for child in running if child.deadline and now >= child.deadline], "timeout")


def _forward(child: Running, progress: Progress) -> None:
    try:
        while child.pipe.poll():
            message = child.pipe.recv()
            if isinstance(message, str):
                child.reason = message
            else:
                progress(child.job.cell, message)
    except (EOFError, OSError):
        child.pipe.close()


def _end(children: list[Running], status: Status) -> None:
    """End children together, with all that they started; each has a guardian that does it."""
    for child in children:
        if child.killed is None and (child.alive or child.process.pid is None):
            child.killed = status
        _signal(child, signal.SIGTERM)
    for child in children:
        if child.alive:
            child.process.join(PATIENCE_SECONDS)
        _signal(child, signal.SIGKILL)  # its guardian was stopped or is stuck


def _signal(child: Running, number: int) -> None:
    if child.alive and child.process.pid is not None:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(child.process.pid, number)


def _finish(child: Running, progress: Progress) -> Outcome:
    """Return the outcome that a child left, or an outcome that says how it ended."""
    if child.process.pid is not None:
        child.process.join()
    if not child.pipe.closed:
        _forward(child, progress)
        child.pipe.close()
    record = read_outcome(child.job.scratch)
    if record is None or child.killed:
        status, reason = _failure(child)
        record = Record.unpublished(child.job, status, reason)
    cost = {**record.cost, "wall_seconds": round(time.monotonic() - child.started, 4)}
    if record.status == "timeout":
        cost["limit_seconds"] = child.job.timeout
    return Outcome(replace(record, cost=cost), child.job.scratch)


def _failure(child: Running) -> tuple[Status, str]:
    if child.killed == "timeout":
        return "timeout", f"stopped after its limit of {child.job.timeout:g} s"
    if child.killed == "interrupted":
        return "interrupted", "stopped by the user"
    if child.reason:
        return "failed", redact(child.reason)
    code = child.process.exitcode
    if code == -signal.SIGKILL:
        return _killed(child.kills_before)
    if code is not None and code < 0:
        return "failed", f"the process died of {signal.Signals(-code).name}"
    return "failed", f"the process ended with code {code} and left no result"


def _killed(kills_before: int | None) -> tuple[Status, str]:
    """Say what killed a child without a word: a kernel short of memory, or somebody."""
    kills = out_of_memory_kills()
    if kills is None or kills_before is None:
        return "oom", "killed by the system, most likely for lack of memory"
    if kills > kills_before:
        return "oom", "killed by the system, for lack of memory"
    return (
        "interrupted",
        "killed from outside (SIGKILL), perhaps by a guard of memory",
    )

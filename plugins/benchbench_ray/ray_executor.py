"""The executor: each cell becomes a Ray task, and the end of a task becomes an outcome."""

from __future__ import annotations

import tarfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from benchbench import BenchbenchError, Cell, Event, Job, Outcome, Parameter, Params, Record
from benchbench.running import remote
from benchbench_ray.archive_pieces import unpack
from benchbench_ray.cluster import LiveNodes, Need, connect, require_ray
from benchbench_ray.failures import record_of_failure
from benchbench_ray.folder_store import FolderStore
from benchbench_ray.node import Finished, MissingFolder, Started, run_cell

Progress = Callable[[Cell, Event], None]
TICK_SECONDS = 1.0
RESTART_SECONDS = 60.0
"""How long to wait for a large enough machine that has gone: it may restart."""
PARAMETERS = (
    Parameter("address", str, "", "HOST:PORT of the cluster, or auto for the cluster of this "
              "machine; empty: RAY_ADDRESS, else a new cluster on this machine alone"),
    Parameter("retries", int, 3, "how often a cell runs again after its machine died", minimum=0),
    Parameter("wait", float, 0.0, "seconds to wait for a machine that is large enough, for "
              "clusters that grow on demand", minimum=0),
    Parameter("memory", str, "forecast", "memory that a cell asks for: what 'plan' predicts, or "
              "none", choices=("forecast", "none")),
    Parameter("files", str, "auto", "auto: machines use a folder that they share with this one; "
              "sent: all folders are sent", choices=("auto", "sent")),
)  # fmt: skip


@dataclass(slots=True)
class RunningTask:
    """A job that Ray has. `node` is the machine it runs on, None until it has started."""

    job: Job
    need: Need
    crashes: int = 0
    """How often its machine died."""
    node: str | None = None
    unplaced_since: float | None = None
    """Since when no machine is large enough for it, None where one is."""
    had_machine: bool = False
    """Whether a machine was large enough: it may come back."""


@dataclass(frozen=True)
class RayExecutor:
    """Runs cells on a Ray cluster: as many at once as fit, and at most `most`."""

    address: str = ""
    retries: int = 3
    wait: float = 0.0
    memory: str = "forecast"
    files: str = "auto"
    most: int | None = None
    name: str = "ray"
    remote: bool = True
    parameters: tuple[Parameter, ...] = field(default=PARAMETERS, repr=False)

    def configured(self, params: Params, jobs: int | None) -> RayExecutor:
        """Return the executor of these parameters; raise BenchbenchError where Ray is absent."""
        require_ray()
        return replace(self, most=jobs, **{name: params[name] for name in params})  # type: ignore[arg-type]

    def run(self, jobs: Iterable[Job], progress: Progress) -> Iterator[Outcome]:
        """Yield one outcome per job; on Ctrl-C stop all tasks and yield their outcomes."""
        connect(self.address)
        import ray

        tasks = RunningTasks(self)
        waiting = iter(jobs)
        try:
            while True:
                while tasks.has_room() and (job := next(waiting, None)) is not None:
                    tasks.start(job)
                if not tasks.running:
                    return
                yield from tasks.ended(progress)
                yield from tasks.without_machine()
        except ray.exceptions.RayError as error:
            raise BenchbenchError(
                f"The Ray cluster no longer answers ({type(error).__name__}). "
                "Finished cells are kept; run again to continue."
            ) from error
        except KeyboardInterrupt:
            for task in tasks.stop():
                yield _without_result(task, "interrupted", "stopped by the user")
            raise
        finally:
            tasks.stop()


class RunningTasks:
    """The tasks that run now, by Ray's handle of each."""

    def __init__(self, executor: RayExecutor) -> None:
        self.running: dict[Any, RunningTask] = {}
        self._executor, self._live_nodes = executor, LiveNodes()
        self._folder_store = FolderStore(send_all=executor.files == "sent")

    def has_room(self) -> bool:
        """Say whether another cell can start at once, without waiting in Ray's queue."""
        count = len(self.running)
        if count == 0:
            return True
        if self._executor.most is not None and count >= self._executor.most:
            return False
        # the cells of a run differ in memory alone, which Ray itself accounts for
        need = replace(next(iter(self.running.values())).need, memory=0)
        return count < self._live_nodes.room(need)

    def start(self, job: Job) -> None:
        """Submit a job to Ray."""
        need = Need.of_job(job, memory=self._executor.memory == "forecast")
        self._submit(RunningTask(job, need))

    def ended(self, progress: Progress) -> Iterator[Outcome]:
        """Wait up to a second for the next message of a cell; yield outcomes of ended cells."""
        import ray

        ready, _ = ray.wait(list(self.running), num_returns=1, timeout=TICK_SECONDS)
        for handle in ready:
            task = self.running[handle]
            try:
                message = ray.get(next(handle))
            except (ray.exceptions.RayError, StopIteration) as error:
                del self.running[handle]
                yield from self._after_error(task, error)
                continue
            if isinstance(message, Event):
                progress(task.job.cell, message)
            elif isinstance(message, Started):
                task.node = message.node
            else:
                del self.running[handle]
                yield from self._after_result(task, message)

    def without_machine(self) -> Iterator[Outcome]:
        """Yield a failure for every cell that has waited too long for a large enough machine."""
        import ray

        for handle, task in list(self.running.items()):
            if task.node is not None or self._live_nodes.room(task.need):
                task.unplaced_since, task.had_machine = None, True
                continue
            now = time.monotonic()
            task.unplaced_since = task.unplaced_since or now
            patience = max(self._executor.wait, RESTART_SECONDS if task.had_machine else 0.0)
            if now - task.unplaced_since >= patience:
                del self.running[handle]
                ray.cancel(handle, force=True)
                reason = f"no machine of the cluster has {task.need}; {self._largest()}"
                if task.need.memory:
                    reason += "; set ray.memory=none to ask for no memory"
                yield _without_result(task, "failed", reason)

    def stop(self) -> list[RunningTask]:
        """Kill every task with its child processes; return the tasks."""
        import ray

        stopped = list(self.running.values())
        for handle in self.running:
            ray.cancel(handle, force=True)
        self.running.clear()
        return stopped

    def _submit(self, task: RunningTask) -> None:
        import ray

        remote_function = ray.remote(run_cell).options(
            num_cpus=task.need.cpus,
            num_gpus=task.need.gpus,
            memory=task.need.memory or None,
            max_retries=0,  # Ray may only repeat a generator that yields the same again
            name=task.job.cell.title,
        )
        task.node = None
        handle = remote_function.remote(task.job, self._folder_store.files_of(task.job))
        self.running[handle] = task

    def _after_result(
        self, task: RunningTask, result: Finished | MissingFolder
    ) -> Iterator[Outcome]:
        """Yield the outcome, or submit the cell again with a folder that it lacked."""
        if isinstance(result, MissingFolder):
            self._folder_store.put(result.folder)
            self._submit(task)
            return
        record = _with_files(task, result)
        cells_beside = self._live_nodes.cells_beside(task.need, task.node)
        if self._executor.most is not None:
            cells_beside = min(cells_beside, self._executor.most - 1)
        cost = {**record.cost, "cells_beside": cells_beside} if record.cost else {}
        yield Outcome(replace(record, cost=cost), task.job.scratch)

    def _after_error(self, task: RunningTask, error: BaseException) -> Iterator[Outcome]:
        """Yield the outcome, or submit the cell again where only its machine died."""
        record = record_of_failure(task.job, error)
        if record is not None:
            yield Outcome(record, task.job.scratch)
            return
        task.crashes += 1
        if task.crashes > self._executor.retries:
            times = f"{task.crashes} times" if task.crashes > 1 else "once"
            reason = f"the machine or the Ray process that ran it died, {times}"
            yield _without_result(task, "failed", reason)
            return
        task.job = remote.with_fresh_scratch(task.job)
        self._submit(task)

    def _largest(self) -> str:
        largest = self._live_nodes.largest()
        return f"the largest has {largest}" if largest else "it has no machine left"


def _with_files(task: RunningTask, result: Finished) -> Record:
    """Write a cell's files into its scratch folder and return its record."""
    if result.files is not None:
        try:
            unpack(result.files, task.job.scratch)
        except (OSError, tarfile.TarError) as error:
            fault = BenchbenchError(f"the files of the cell could not be written here: {error}")
            return remote.failure(task.job, fault)
    return result.record


def _without_result(task: RunningTask, status: Any, reason: str) -> Outcome:
    return Outcome(remote.without_result(task.job, status, reason), task.job.scratch)

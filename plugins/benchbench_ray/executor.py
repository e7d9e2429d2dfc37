"""The executor: jobs become Ray tasks, one a cell; what comes of them becomes outcomes."""

from __future__ import annotations

import tarfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from benchbench import BenchbenchError, Cell, Event, Job, Outcome, Parameter, Params, Record
from benchbench.running.executors import remote as elsewhere
from benchbench_ray.cluster import Census, Need, connect, require_ray
from benchbench_ray.deaths import verdict
from benchbench_ray.node import Begun, Done, Lacking
from benchbench_ray.shelf import Shelf

Progress = Callable[[Cell, Event], None]
TICK_SECONDS = 1.0
RESTART_SECONDS = 60.0
"""How long the last machine that was large enough may be gone."""
PARAMETERS = (
    Parameter("address", str, "", "HOST:PORT of the cluster, auto for the one that this machine "
              "belongs to; else RAY_ADDRESS, else a Ray of its own"),
    Parameter("retries", int, 3, "how often a cell runs again whose machine died", minimum=0),
    Parameter("wait", float, 0.0, "seconds to wait for a machine that is large enough, as where "
              "a cluster grows when it is asked to", minimum=0),
    Parameter("memory", str, "forecast", "what a cell asks for beside CPUs and a GPU: what 'plan' "
              "foretells, or none", choices=("forecast", "none")),
    Parameter("files", str, "auto", "auto: a folder that a machine sees is used where it is; "
              "sent: everything is sent", choices=("auto", "sent")),
)  # fmt: skip


@dataclass(slots=True)
class Flight:
    """A job that was handed to Ray. `node` is where it runs, None until it has begun."""

    job: Job
    need: Need
    deaths: int = 0
    node: str | None = None
    stranded: float | None = None
    """Since when no machine is large enough for it."""
    fitted: bool = False
    """Whether one was: it may come back."""


@dataclass(frozen=True)
class RayExecutor:
    """Runs cells on a Ray cluster: as many at once as it has room for, at most `most`."""

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
        """Yield an outcome for every job; on Ctrl-C stop the tasks and say so in theirs."""
        connect(self.address)
        import ray

        flights = Flights(self)
        waiting = iter(jobs)
        try:
            while True:
                while flights.room() and (job := next(waiting, None)) is not None:
                    flights.start(job)
                if not flights.running:
                    return
                yield from flights.landed(progress)
                yield from flights.stranded()
        except ray.exceptions.RayError as error:
            raise BenchbenchError(
                f"The Ray cluster does not answer any more ({type(error).__name__}). "
                "What was finished is kept; run again to go on."
            ) from error
        except KeyboardInterrupt:
            for flight in flights.stop():
                record = elsewhere.without_result(flight.job, "interrupted", "stopped by the user")
                yield Outcome(record, flight.job.scratch)
            raise
        finally:
            flights.stop()


class Flights:
    """The tasks that run now, by Ray's handle of them."""

    def __init__(self, executor: RayExecutor) -> None:
        self.running: dict[Any, Flight] = {}
        self._executor, self._census = executor, Census()
        self._shelf = Shelf(apart=executor.files == "sent")

    def room(self) -> bool:
        """Say whether another cell may start: what waits in Ray's queue has not started."""
        count = len(self.running)
        if count == 0:
            return True
        if self._executor.most is not None and count >= self._executor.most:
            return False
        # cells of a run differ in memory alone, which Ray itself sees to
        one = replace(next(iter(self.running.values())).need, memory=0)
        return count < self._census.room(one)

    def start(self, job: Job) -> None:
        """Hand a job to Ray."""
        self._submit(Flight(job, Need.of(job, memory=self._executor.memory == "forecast")))

    def landed(self, progress: Progress) -> Iterator[Outcome]:
        """Wait for the next sign of a cell, at most a moment; yield what came to its end."""
        import ray

        ready, _ = ray.wait(list(self.running), num_returns=1, timeout=TICK_SECONDS)
        for handle in ready:
            flight = self.running[handle]
            try:
                sign = ray.get(next(handle))
            except (ray.exceptions.RayError, StopIteration) as error:
                del self.running[handle]
                yield from self._died(flight, error)
                continue
            if isinstance(sign, Event):
                progress(flight.job.cell, sign)
            elif isinstance(sign, Begun):
                flight.node = sign.node
            else:
                del self.running[handle]
                yield from self._ended(flight, sign)

    def stranded(self) -> Iterator[Outcome]:
        """Yield a failure for each cell that has waited long enough for a machine to hold it."""
        import ray

        for handle, flight in list(self.running.items()):
            if flight.node is not None or self._census.room(flight.need):
                flight.stranded, flight.fitted = None, True
                continue
            now = time.monotonic()
            flight.stranded = flight.stranded or now
            patience = max(self._executor.wait, RESTART_SECONDS if flight.fitted else 0.0)
            if now - flight.stranded >= patience:
                del self.running[handle]
                ray.cancel(handle, force=True)
                reason = f"no machine of the cluster has {flight.need}; {self._largest()}"
                if flight.need.memory:
                    reason += "; ray.memory=none asks for no memory"
                yield self._without_result(flight, "failed", reason)

    def stop(self) -> list[Flight]:
        """Kill every task with all that it started; return what they were."""
        import ray

        stopped = list(self.running.values())
        for handle in self.running:
            ray.cancel(handle, force=True)
        self.running.clear()
        return stopped

    def _submit(self, flight: Flight) -> None:
        import ray

        from benchbench_ray.node import run_cell

        task = ray.remote(run_cell).options(
            num_cpus=flight.need.cpus,
            num_gpus=flight.need.gpus,
            memory=flight.need.memory or None,
            max_retries=0,  # a generator that Ray runs again must yield the same; ours cannot
            name=flight.job.cell.title,
        )
        flight.node = None
        self.running[task.remote(flight.job, self._shelf.luggage(flight.job))] = flight

    def _ended(self, flight: Flight, sign: Done | Lacking) -> Iterator[Outcome]:
        if isinstance(sign, Lacking):
            self._shelf.put(sign.folder)
            self._submit(flight)
            return
        record = self._unpacked(flight, sign)
        beside = self._census.beside(flight.need, flight.node)
        if self._executor.most is not None:
            beside = min(beside, self._executor.most - 1)
        cost = {**record.cost, "cells_beside": beside} if record.cost else {}
        yield Outcome(replace(record, cost=cost), flight.job.scratch)

    def _unpacked(self, flight: Flight, done: Done) -> Record:
        """Bring a cell's files into its scratch folder."""
        from benchbench_ray.parcels import unpack

        if done.files is not None:
            try:
                unpack(done.files, flight.job.scratch)
            except (OSError, tarfile.TarError) as error:
                return elsewhere.failure(
                    flight.job, BenchbenchError(f"its files did not arrive: {error}")
                )
        return done.record

    def _died(self, flight: Flight, error: BaseException) -> Iterator[Outcome]:
        """Run a cell again whose machine died under it, unless that happens again and again."""
        record = verdict(flight.job, error)
        if record is not None:
            yield Outcome(record, flight.job.scratch)
            return
        flight.deaths += 1
        if flight.deaths > self._executor.retries:
            times = f"{flight.deaths} times" if flight.deaths > 1 else "once"
            reason = f"the machine or the Ray process that ran it died, {times}"
            yield self._without_result(flight, "failed", reason)
            return
        flight.job = elsewhere.with_fresh_scratch(flight.job)
        self._submit(flight)

    def _largest(self) -> str:
        largest = self._census.largest()
        return f"the largest has {largest}" if largest else "it has no machine left"

    def _without_result(self, flight: Flight, status: Any, reason: str) -> Outcome:
        return Outcome(elsewhere.without_result(flight.job, status, reason), flight.job.scratch)

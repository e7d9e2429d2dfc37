"""What happens on a machine of the cluster: one cell, in a child process of the Ray task's own."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchbench import Cell, Event, Job, Outcome, Record
from benchbench.running.executors import remote as elsewhere
from benchbench.running.executors.local import LocalExecutor, start_server
from benchbench_ray.parcels import packed, unpack

EVENT_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Luggage:
    """What goes with a job. `parcels` maps folders of the driver to references to their pieces."""

    installation: Mapping[str, str]
    environment: Mapping[str, str]
    backbone: Path | None = None
    """The driver's folder of the backbone, where it is named by one."""
    parcels: Mapping[Path, tuple[Any, ...]] = field(default_factory=dict)
    apart: bool = False
    """Whether this machine is to be taken for one that shares no disk with the driver."""


@dataclass(frozen=True, slots=True)
class Begun:
    """The cell has begun on a node."""

    node: str


@dataclass(frozen=True, slots=True)
class Lacking:
    """The cell did not run: a folder of the driver is not here, and was not sent."""

    folder: Path


@dataclass(frozen=True, slots=True)
class Done:
    """The record of a cell, and its files where they are not in the job's scratch folder."""

    record: Record
    files: tuple[bytes, ...] | None = None


class Absent(Exception):
    """A folder is neither here nor in the luggage."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder))
        self.folder = folder


def run_cell(job: Job, luggage: Luggage) -> Iterator[Begun | Event | Lacking | Done]:
    """Yield events while the cell runs, its result last. This is the Ray task."""
    import ray

    os.environ.update(luggage.environment)
    yield Begun(ray.get_runtime_context().get_node_id())
    with tempfile.TemporaryDirectory(prefix="benchbench-") as name:
        end = yield from _to_its_end(job, luggage, Path(name))
    yield end  # after this Ray may end the process: the folder is gone by then


def _to_its_end(job: Job, luggage: Luggage, folder: Path) -> Generator[Event, None, Lacking | Done]:
    """Run the job here, in `folder` where its own scratch folder is not seen."""
    try:
        here = _settled(job, luggage, folder)
        surroundings = elsewhere.surroundings(here)
        outcome = yield from _in_child(here)
        facts = {**surroundings, **outcome.record.provenance}
        files = None if here.scratch == job.scratch else tuple(packed(here.scratch))
        return Done(replace(outcome.record, cell=job.cell, provenance=facts), files)
    except Absent as absent:
        return Lacking(absent.folder)
    except Exception as error:
        return Done(elsewhere.failure(job, error))


def _settled(job: Job, luggage: Luggage, folder: Path) -> Job:
    """Return the job with the folders of this machine, after a look that it may run here."""
    elsewhere.check_installation(job, luggage.installation)
    fingerprint = job.identity["dataset"]
    corpus = job.corpus
    if luggage.apart or not elsewhere.holds_corpus(corpus, fingerprint):
        corpus = _received(luggage, corpus, "corpora", fingerprint)
    shared = not luggage.apart and job.scratch.is_dir() and os.access(job.scratch, os.W_OK)
    here = replace(
        job,
        cell=_with_backbone(job, luggage),
        corpus=corpus,
        upstream={name: _artifacts(luggage, path) for name, path in job.upstream.items()},
        scratch=job.scratch if shared else folder,
        cache=job.cache and elsewhere.own_cache(),
    )
    elsewhere.check_weights(here)
    return here


def _artifacts(luggage: Luggage, folder: Path) -> Path:
    if not luggage.apart and elsewhere.holds_artifacts(folder, folder.name):
        return folder
    return _received(luggage, folder, "artifacts", folder.name)


def _with_backbone(job: Job, luggage: Luggage) -> Cell:
    """Return the cell, its backbone named by a folder of this machine where it is a folder."""
    folder, reference = luggage.backbone, job.cell.backbone
    if folder is None or reference is None:
        return job.cell
    if luggage.apart or not elsewhere.holds_weights(folder, job):
        folder = _received(luggage, folder, "backbones", str(job.identity["weights"]))
    return replace(job.cell, backbone=replace(reference, use=str(folder)))


def _received(luggage: Luggage, folder: Path, kind: str, name: str) -> Path:
    """Return a folder of the driver from the cache here, or from the luggage; raise Absent."""

    def fill(fresh: Path) -> None:
        import ray

        if folder not in luggage.parcels:
            raise Absent(folder)
        unpack((ray.get(piece) for piece in luggage.parcels[folder]), fresh)

    return elsewhere.cached(kind, name, fill)


def _in_child(job: Job) -> Generator[Event, None, Outcome]:
    """Run the job as this machine's own executor does; yield its latest event now and then."""
    # a child would run Ray's worker program first, to have its names
    vars(sys.modules["__main__"]).pop("__file__", None)
    start_server(job.device, job.models, job.threads)
    events: list[Event] = []
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(lambda: list(LocalExecutor().run([job], _noting(events))))
        while not running.done():
            wait([running], EVENT_SECONDS)
            if events:
                yield events[-1]
                events.clear()
        [outcome] = running.result()
    return outcome


def _noting(events: list[Event]) -> Callable[[Cell, Event], None]:
    return lambda cell, event: events.append(event)

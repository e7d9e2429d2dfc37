"""What happens on a machine of the cluster: one cell, in a child process of its Ray task."""

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
from benchbench.running import LocalExecutor, remote, start_server
from benchbench_ray.archive_pieces import pack, unpack

EVENT_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class JobFiles:
    """What goes with a job from the driver, the machine on which the run was started.

    `pieces` maps folders of the driver to Ray's references to their archive pieces.
    """

    installation: Mapping[str, str]
    environment: Mapping[str, str]
    backbone: Path | None = None
    """The driver's folder of the backbone, where the cell names one by its folder."""
    pieces: Mapping[Path, tuple[Any, ...]] = field(default_factory=dict)
    send_all: bool = False
    """Whether to ignore that this machine may share a disk with the driver."""


@dataclass(frozen=True, slots=True)
class Started:
    """The cell has started on a node."""

    node: str


@dataclass(frozen=True, slots=True)
class MissingFolder:
    """The cell did not run: a folder of the driver is not on this machine and was not sent."""

    folder: Path


@dataclass(frozen=True, slots=True)
class Finished:
    """The record of a cell, and its files where they are not in the job's scratch folder."""

    record: Record
    files: tuple[bytes, ...] | None = None


class FolderNotSent(Exception):
    """A folder of the driver is neither on this machine nor among the files of the job."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder))
        self.folder = folder


def run_cell(job: Job, files: JobFiles) -> Iterator[Started | Event | MissingFolder | Finished]:
    """Yield events while the cell runs, and its result last. This is the Ray task."""
    import ray

    os.environ.update(files.environment)
    yield Started(ray.get_runtime_context().get_node_id())
    with tempfile.TemporaryDirectory(prefix="benchbench-") as name:
        result = yield from _run_here(job, files, Path(name))
    yield result  # Ray may end the process after this, so the folder is removed before


def _run_here(
    job: Job, files: JobFiles, folder: Path
) -> Generator[Event, None, MissingFolder | Finished]:
    """Run the job on this machine, in `folder` where its own scratch folder is not here."""
    try:
        local_job = _with_local_folders(job, files, folder)
        provenance = remote.provenance_here(local_job)
        outcome = yield from _in_child(local_job)
        provenance = {**provenance, **outcome.record.provenance}
        record = replace(outcome.record, cell=job.cell, provenance=provenance)
        shared = local_job.scratch == job.scratch
        return Finished(record, None if shared else tuple(pack(local_job.scratch)))
    except FolderNotSent as error:
        return MissingFolder(error.folder)
    except Exception as error:
        return Finished(remote.failure(job, error))


def _with_local_folders(job: Job, files: JobFiles, folder: Path) -> Job:
    """Return the job with folders of this machine.

    Raises BenchbenchError where its installation or weights differ from the driver's, and
    FolderNotSent.
    """
    remote.check_installation(job, files.installation)
    fingerprint = job.identity.dataset
    corpus = job.corpus
    if files.send_all or not remote.holds_corpus(corpus, fingerprint):
        corpus = _fetched(files, corpus, "corpora", fingerprint)
    shared = not files.send_all and job.scratch.is_dir() and os.access(job.scratch, os.W_OK)
    local_job = replace(
        job,
        cell=_with_local_backbone(job, files),
        corpus=corpus,
        upstream={name: _artifacts(files, path) for name, path in job.upstream.items()},
        scratch=job.scratch if shared else folder,
        cache=job.cache and remote.own_cache(),
    )
    remote.check_weights(local_job)
    return local_job


def _artifacts(files: JobFiles, folder: Path) -> Path:
    if not files.send_all and remote.holds_artifacts(folder, folder.name):
        return folder
    return _fetched(files, folder, "artifacts", folder.name)


def _with_local_backbone(job: Job, files: JobFiles) -> Cell:
    """Return the cell; a backbone that is named by a folder gets its folder on this machine."""
    folder, reference = files.backbone, job.cell.backbone
    if folder is None or reference is None:
        return job.cell
    if files.send_all or not remote.holds_weights(folder, job):
        folder = _fetched(files, folder, "backbones", str(job.identity.weights))
    return remote.with_backbone_in(folder, job.cell)


def _fetched(files: JobFiles, folder: Path, kind: str, name: str) -> Path:
    """Return a copy of a driver's folder in this machine's cache. Raises FolderNotSent."""

    def fill(fresh: Path) -> None:
        import ray

        if folder not in files.pieces:
            raise FolderNotSent(folder)
        unpack((ray.get(piece) for piece in files.pieces[folder]), fresh)

    return remote.cached(kind, name, fill)


def _in_child(job: Job) -> Generator[Event, None, Outcome]:
    """Run the job as this machine's own executor does; yield its latest event now and then."""
    # with a `__file__` there, a child process would first run Ray's worker program again
    vars(sys.modules["__main__"]).pop("__file__", None)
    start_server(job.identity.device, job.models, job.threads)
    events: list[Event] = []
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(lambda: list(LocalExecutor().run([job], _collector(events))))
        while not running.done():
            wait([running], EVENT_SECONDS)
            if events:
                yield events[-1]
                events.clear()
        [outcome] = running.result()
    return outcome


def _collector(events: list[Event]) -> Callable[[Cell, Event], None]:
    """Return a progress function that appends its events to `events`."""
    return lambda cell, event: events.append(event)

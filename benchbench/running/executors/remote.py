"""What an executor needs to run cells on other machines, besides `local` to run them there.

A cell must give there what its key promises, so it needs the same code, versions, documents and
weights. If a machine has others, the cell fails and its error names both.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from pathlib import Path

from benchbench.catalog import DISABLE, Catalog, load_catalog, versions_of
from benchbench.contract import (
    BenchbenchError,
    Cell,
    Job,
    Json,
    LoaderError,
    LocalPath,
    Record,
    Skip,
    Status,
    StoreError,
    all_as_given,
)
from benchbench.kit.data import corpus_fault, describe_corpus
from benchbench.machine import (
    PACKAGES,
    content_fault,
    core_digest,
    file_names,
    find_device,
    folder_digest,
    fsio,
    in_one_line,
    module_digest,
    package_versions,
    write_contents,
)
from benchbench.planning import open_cache
from benchbench.records import provenance_of
from benchbench.running.outcome import explain

OFFLINE = "HF_HUB_OFFLINE"
CARRIED = (OFFLINE, "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE", DISABLE)
"""The variables that apply to a whole run, and must be set wherever one of its cells runs."""
SENT = "files"
MOST_NAMED = 3
"""The most differences that an error names; the remedy is the same for all."""


def environment() -> dict[str, str]:
    """Return the variables of this process that the process of a cell must also have."""
    return {name: os.environ[name] for name in CARRIED if name in os.environ}


@cache
def installation() -> Mapping[str, str]:
    """Return the versions of all that is installed here and decides numbers.

    The harness and the plugins also have a hash of their code. A plugin's name is
    "distribution:plugin".
    """
    python = ".".join(platform.python_version_tuple()[:2])
    core = {"python": python, "benchbench": _version(version("benchbench"))}
    plugins = {
        plugin.source: _version(plugin.version, module_digest(plugin.module))
        for plugin in _catalog().plugins.values()
    }
    return {**core, **package_versions(), **plugins}


def check_installation(job: Job, planned: Mapping[str, str]) -> None:
    """Raise BenchbenchError unless this machine has the versions that `job` was planned with."""
    here = installation()
    needed = ("python", "benchbench", *PACKAGES, *job.identity.plugins)
    differing = [
        f"{name} {here.get(name, 'absent')} instead of {planned.get(name, 'absent')}"
        for name in needed
        if here.get(name) != planned.get(name)
    ]
    if differing:
        more = f" and {len(differing) - MOST_NAMED} more" if len(differing) > MOST_NAMED else ""
        raise BenchbenchError(
            f"the machine of this cell has {', '.join(differing[:MOST_NAMED])}{more}; "
            "install the versions of the machine on which the run was started"
        )


def check_weights(job: Job) -> None:
    """Raise BenchbenchError where the backbone's weights here are not those of the job's key.

    If the weights are not here yet, the cell downloads and checks them.
    """
    if job.cell.backbone is None:
        return
    here, planned = _weights(job, job.cell.backbone.use), job.identity.weights
    if here not in (None, planned):
        raise BenchbenchError(
            f"the machine of this cell has other weights of {job.cell.backbone.name}: {here} "
            f"instead of {planned}; copy the weights of the machine on which the run was started"
        )


def provenance_here(job: Job) -> Json:
    """Return the provenance of a cell that runs here: versions, hardware, threads, plugins.

    Raises BenchbenchError where this machine lacks the device that the job asks for.
    """
    plugins = versions_of(_catalog().plugins_of(job.cell))
    return provenance_of(find_device(job.identity.device), job.threads, plugins)


def backbone_folder(job: Job) -> Path | None:
    """Return the folder that names the job's backbone; None where a name of the catalog does."""
    if job.cell.backbone is None or not isinstance(job.cell.backbone.use, LocalPath):
        return None
    folder = Path(job.cell.backbone.use.target)
    return folder if folder.is_dir() else None


def with_backbone_in(folder: Path, cell: Cell) -> Cell:
    """Return the cell with its backbone in a folder of this machine; its id stays the same."""
    if cell.backbone is None:
        return cell
    use = LocalPath(str(cell.backbone.use), str(folder), str(folder))
    return replace(cell, backbone=replace(cell.backbone, use=use))


def holds_weights(folder: Path, job: Job) -> bool:
    """Say whether a folder of this machine has the weights of the job's key."""
    return folder.is_dir() and _weights(job, str(folder)) == job.identity.weights


def holds_corpus(folder: Path, fingerprint: str) -> bool:
    """Say whether a folder of this machine has the corpus with that fingerprint, undamaged."""
    try:
        return describe_corpus(folder).fingerprint == fingerprint and not corpus_fault(folder)
    except LoaderError:
        return False


def holds_artifacts(folder: Path, digest: str) -> bool:
    """Say whether a folder of this machine has the artefacts with that sha256."""
    return folder.is_dir() and folder_digest(folder) == digest


def own_cache() -> Path | None:
    """Return the folder in which this machine's cells share tokens and features; None if none."""
    try:
        return open_cache()
    except StoreError:
        return None


def cached(kind: str, name: str, fill: Callable[[Path], None]) -> Path:
    """Return a folder of this machine's cache; `fill` writes it unless it is there undamaged.

    The manifest lies outside of the folder, whose files alone may decide an identity. Raises
    StoreError, and what `fill` raises.
    """
    entry = open_cache() / "sent" / kind / name
    if content_fault(entry, file_names(entry)):
        fsio.remove_folder(entry)
        fsio.make_folder(entry.parent)
        fresh = fsio.scratch_folder(entry.parent)
        try:
            fill(fsio.make_folder(fresh / SENT))
            write_contents(fresh, file_names(fresh))
            fsio.publish_folder(fresh, entry)
        finally:
            fsio.remove_folder(fresh)
    return entry / SENT


def with_fresh_scratch(job: Job) -> Job:
    """Return the job with an empty scratch folder, since the old one may have half a result."""
    fsio.remove_folder(job.scratch)
    return replace(job, scratch=fsio.scratch_folder(job.scratch.parent))


def without_result(job: Job, status: Status, reason: str) -> Record:
    """Return the record of a job that left no record."""
    return Record.unpublished(job, status, in_one_line(reason))


def failure(job: Job, error: BaseException) -> Record:
    """Return the record of a job that could not run because of an exception."""
    status, reason = explain(error)
    if isinstance(error, BenchbenchError):  # its message says everything
        reason = str(error)
    return without_result(job, status, reason)


@cache
def _catalog() -> Catalog:
    return load_catalog()


def _weights(job: Job, use: str) -> str | None:
    """Return the identity of a backbone's weights on this machine; None where they are absent."""
    return _identity(use, json.dumps(all_as_given(job.identity.parameters.backbone or {})))


@cache
def _identity(use: str, params: str) -> str | None:
    """Read the weights only once per process: they may be many GiB."""
    try:
        return _catalog().backbone(use).identity(json.loads(params), offline=True)
    except (BenchbenchError, Skip):  # a folder without a model, a model that is not here
        return None


def _version(release: str, source: str | None = None) -> str:
    return f"{release} ({(source or core_digest(('.',)))[:8]})"

"""What an executor needs whose cells run on other machines, beside `local` to run them there.

A cell that was planned here is to give there what its key promises: the same code, the same
versions, the same documents and weights. What is not so is told in one line.
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
from benchbench.contract import BenchbenchError, Job, Json, LoaderError, Record, Skip, Status
from benchbench.kit.data import describe_corpus
from benchbench.machine import (
    PACKAGES,
    core_digest,
    find_device,
    folder_digest,
    fsio,
    module_digest,
    package_versions,
    redact,
)
from benchbench.planning import cache_folder
from benchbench.records import provenance_of
from benchbench.running.outcome import explain

OFFLINE = "HF_HUB_OFFLINE"
CARRIED = (OFFLINE, "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE", DISABLE)
"""What the environment says of a whole run, and must say wherever a cell of it runs."""
TOLD = 3
"""Of many differences, so many are told: the remedy is the same for all."""


def environment() -> dict[str, str]:
    """Return the variables of this process that the process of a cell must have too."""
    return {name: os.environ[name] for name in CARRIED if name in os.environ}


@cache
def installation() -> Mapping[str, str]:
    """Return what is installed here and decides numbers: its version, and of our own code a hash.

    Beside packages there is an entry "distribution:plugin" for every plugin.
    """
    python = ".".join(platform.python_version_tuple()[:2])
    own = {"python": python, "benchbench": _version(version("benchbench"))}
    plugins = {
        plugin.source: _version(plugin.version, module_digest(plugin.module))
        for plugin in _catalog().plugins.values()
    }
    return {**own, **package_versions(), **plugins}


def check_installation(job: Job, asked: Mapping[str, str]) -> None:
    """Raise BenchbenchError unless what `job` needs is here as it is where it was planned."""
    found = installation()
    needed = ("python", "benchbench", *PACKAGES, *job.identity.plugins)
    differing = [
        f"{name} {found.get(name, 'absent')} instead of {asked.get(name, 'absent')}"
        for name in needed
        if found.get(name) != asked.get(name)
    ]
    if differing:
        more = f" and {len(differing) - TOLD} more" if len(differing) > TOLD else ""
        raise BenchbenchError(
            f"the machine it came to has {', '.join(differing[:TOLD])}{more}; "
            "install there what is installed where the run was started"
        )


def check_weights(job: Job) -> None:
    """Raise BenchbenchError where the backbone's weights here are not those of the job's key.

    Weights that are not here yet are fetched by the cell, which looks at what it got.
    """
    if job.cell.backbone is None:
        return
    found, planned = _weights(job, job.cell.backbone.use), job.identity.weights
    if found not in (None, planned):
        raise BenchbenchError(
            f"the machine it came to has other weights of {job.cell.backbone.name}: {found} "
            f"instead of {planned}; give it those that are where the run was started"
        )


def surroundings(job: Job) -> Json:
    """Return the provenance of a cell that runs here: versions, hardware, threads, plugins.

    Raises BenchbenchError where the device that the job asks for is not here.
    """
    plugins = versions_of(_catalog().plugins_of(job.cell))
    return provenance_of(find_device(job.identity.device), job.threads, plugins)


def backbone_folder(job: Job) -> Path | None:
    """Return the folder that the job's backbone was named by, None where it has a name."""
    if job.cell.backbone is None or job.cell.backbone.use in _catalog().backbones:
        return None
    folder = Path(job.cell.backbone.use).expanduser()
    return folder.resolve() if folder.is_dir() else None


def holds_weights(folder: Path, job: Job) -> bool:
    """Say whether a folder of this machine holds the weights of the job's key."""
    return folder.is_dir() and _weights(job, str(folder)) == job.identity.weights


def holds_corpus(folder: Path, fingerprint: str) -> bool:
    """Say whether a folder of this machine holds the corpus of that fingerprint."""
    try:
        return describe_corpus(folder).fingerprint == fingerprint
    except LoaderError:
        return False


def holds_artifacts(folder: Path, digest: str) -> bool:
    """Say whether a folder of this machine holds the artefacts of that sha256."""
    return folder.is_dir() and folder_digest(folder) == digest


def own_cache() -> Path:
    """Return where this machine's cells share tokens and features."""
    return cache_folder()


def cached(kind: str, name: str, fill: Callable[[Path], None]) -> Path:
    """Return a folder of this machine's cache; `fill` writes it where it is not there yet."""
    folder = cache_folder() / "sent" / kind / name
    if not folder.is_dir():
        fsio.make_folder(folder.parent)
        fresh = fsio.scratch_folder(folder.parent)
        try:
            fill(fresh)
            fsio.publish_folder(fresh, folder)
        finally:
            fsio.remove_folder(fresh)
    return folder


def with_fresh_scratch(job: Job) -> Job:
    """Return the job with a new scratch folder in the place of one that may hold half a result."""
    fsio.remove_folder(job.scratch)
    return replace(job, scratch=fsio.scratch_folder(job.scratch.parent))


def without_result(job: Job, status: Status, reason: str) -> Record:
    """Return the record of a job that left none."""
    return Record.unpublished(job, status, reason)


def failure(job: Job, error: BaseException) -> Record:
    """Return the record of a job that an exception kept from running."""
    status, reason = explain(error)
    if isinstance(error, BenchbenchError):  # it says all in its message
        reason = redact(" ".join(str(error).split()))
    return without_result(job, status, reason)


@cache
def _catalog() -> Catalog:
    return load_catalog()


def _weights(job: Job, use: str) -> str | None:
    """Return what identifies a backbone's weights here, None where they are not here."""
    return _identity(use, json.dumps(dict(job.identity.parameters.backbone or {})))


@cache
def _identity(use: str, params: str) -> str | None:
    """Read the weights once for all cells of a process: they may be many GiB."""
    try:
        return _catalog().backbone(use).identity(json.loads(params), offline=True)
    except (BenchbenchError, Skip):  # a folder without a model, a model that is not here
        return None


def _version(release: str, source: str | None = None) -> str:
    return f"{release} ({(source or core_digest(('.',)))[:8]})"

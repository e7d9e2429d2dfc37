"""Folders for other machines, in Ray's object store: each is put there once, not per cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchbench import Job
from benchbench.running import remote
from benchbench_ray.archive_pieces import pack
from benchbench_ray.node import JobFiles


class FolderStore:
    """The folders of this machine that other machines asked for.

    With `send_all`, other machines never look for a folder on a disk that they may share.
    """

    def __init__(self, *, send_all: bool) -> None:
        self._send_all = send_all
        self._installation = remote.installation()
        self._environment = remote.environment()
        self._pieces: dict[Path, tuple[Any, ...]] = {}

    def put(self, folder: Path) -> None:
        """Put a folder into the object store, from where machines fetch it and keep it."""
        import ray

        if folder not in self._pieces:
            self._pieces[folder] = tuple(ray.put(piece) for piece in pack(folder))

    def files_of(self, job: Job) -> JobFiles:
        """Return what goes with a job: references to those of its folders that are stored."""
        backbone = remote.backbone_folder(job)
        folders = (job.corpus, *job.upstream.values(), backbone)
        pieces = {folder: self._pieces[folder] for folder in folders if folder in self._pieces}
        return JobFiles(self._installation, self._environment, backbone, pieces, self._send_all)

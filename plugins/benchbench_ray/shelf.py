"""What cells may lack on other machines, in Ray's object store: once a folder, not once a cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchbench import Job
from benchbench.running.executors import remote as elsewhere
from benchbench_ray.node import Luggage
from benchbench_ray.parcels import packed


class Shelf:
    """Folders of the driver that were asked for, and what goes with every job."""

    def __init__(self, *, apart: bool) -> None:
        self._apart = apart
        self._installation = elsewhere.installation()
        self._environment = elsewhere.environment()
        self._parcels: dict[Path, tuple[Any, ...]] = {}

    def put(self, folder: Path) -> None:
        """Put a folder into the object store; machines fetch it from there and keep it."""
        import ray

        if folder not in self._parcels:
            self._parcels[folder] = tuple(ray.put(piece) for piece in packed(folder))

    def luggage(self, job: Job) -> Luggage:
        """Return what goes with a job: of its folders, those that a machine has asked for."""
        backbone = elsewhere.backbone_folder(job)
        folders = (job.corpus, *job.upstream.values(), backbone)
        parcels = {folder: self._parcels[folder] for folder in folders if folder in self._parcels}
        return Luggage(self._installation, self._environment, backbone, parcels, self._apart)

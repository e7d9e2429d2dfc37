"""A stored system as a folder that others use without benchbench."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from benchbench.contract import (
    Address,
    BenchbenchError,
    Exportable,
    Exported,
    ExportTarget,
    HasAddress,
)
from benchbench.inference.model_card import model_card
from benchbench.inference.predictor import Predictor
from benchbench.inference.replay import Replay, replay
from benchbench.inference.trained_system import TrainedSystem
from benchbench.machine import fsio
from benchbench.records import Store

if TYPE_CHECKING:
    from benchbench.contract import BoundBackbone

LOADER = "classifier.py"


@dataclass(frozen=True, slots=True)
class Export:
    """What was written, and how it compares with the board; None where that was not checked."""

    exported: Exported
    replay: Replay | None


def export_system(
    store: Store, predictor: Predictor, folder: Path, *, merge: bool = False, documents: int = 200
) -> Export:
    """Write a system into a new folder, which exists only if all went well.

    The folder is run in a process of its own on so many validation documents, where their texts
    are at hand. Raises BenchbenchError where the system cannot be exported.
    """
    classifier, system = predictor.classifier, predictor.system
    if not isinstance(classifier, Exportable):
        raise BenchbenchError(
            f"{system.title}: {system.record.cell.method.use} has no export; choose another system."
        )
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise BenchbenchError(f"{folder} exists; name a new folder.")
    address = _address(predictor.backbone)
    with _taking_its_name_at_the_end(folder) as scratch:
        exported = classifier.export(ExportTarget(scratch, address, merge))
        _write_rule(system, scratch)
        base = address.here if address is not None and exported.base else None
        found = replay(store, system, scratch, base, documents) if documents else None
        card = model_card(store, system, exported, found)
        fsio.replace(scratch / "README.md", card.encode())
        for file in scratch.iterdir():  # weights are written for their owner alone
            file.chmod(0o644)
    return Export(exported, found)


def _address(backbone: BoundBackbone | None) -> Address | None:
    if backbone is None or not isinstance(backbone.backbone, HasAddress):
        return None
    return backbone.backbone.address(backbone.params)


def _write_rule(system: TrainedSystem, folder: Path) -> None:
    """Write the labels with the rule that decides, and the file that applies it."""
    tuning = system.tuning
    rule = {
        "kind": system.corpus.kind,
        "labels": list(system.corpus.labels.names),
        "threshold": float(tuning.threshold),
        "temperature": tuning.temperature,
    }
    text = json.dumps(rule, indent=1, ensure_ascii=False)
    fsio.replace(folder / "labels.json", f"{text}\n".encode())
    source = files("benchbench") / "kit" / "standalone" / LOADER
    fsio.replace(folder / LOADER, source.read_bytes())


@contextmanager
def _taking_its_name_at_the_end(folder: Path) -> Iterator[Path]:
    """Give an empty folder beside `folder`, which becomes it when the block has ended well."""
    fsio.make_folder(folder.absolute().parent)
    scratch = fsio.scratch_folder(folder.absolute().parent)
    try:
        yield scratch
        fsio.remove_empty_folder(folder)
        if not fsio.publish_folder(scratch, folder.absolute()):
            raise BenchbenchError(f"{folder} exists; name a new folder.")
    finally:
        fsio.remove_folder(scratch)

"""A stored classifier in memory, which predicts labels and probabilities of new texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchbench.catalog import Catalog, load_catalog
from benchbench.contract import (
    Backbone,
    BenchbenchError,
    BoundBackbone,
    Classifier,
    Params,
    Skip,
    Tuning,
    UnknownName,
    all_as_given,
    decide,
)
from benchbench.evaluation import probabilities_of
from benchbench.inference.trained_system import TrainedSystem
from benchbench.machine import Device, find_device, folder_digest
from benchbench.records import Store

if TYPE_CHECKING:
    import numpy as np

COMMIT = re.compile(r"[0-9a-f]{40}")
WITH_MODEL, WITHOUT = 256, 4096
"""So many texts are predicted at once: a language model's batches are those of the board."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """The labels of a text, and the most likely ones with their probabilities.

    Where the classifier has no probabilities, those of `top` are None.
    """

    labels: tuple[str, ...]
    top: tuple[tuple[str, float | None], ...]


@dataclass(frozen=True, slots=True)
class Predictor:
    """A classifier with what the board applies to its logits.

    `chunk` is how many texts it takes at once. `plugins` says what its method and its backbone
    come from. `backbone` is the one that it was loaded with.
    """

    system: TrainedSystem
    classifier: Classifier
    chunk: int
    plugins: tuple[str, ...] = ()
    backbone: BoundBackbone | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in the order of every array."""
        return tuple(self.system.corpus.labels.names)

    @property
    def tuning(self) -> Tuning:
        """The threshold and the temperature of the board."""
        return self.system.tuning

    def logits(self, texts: Sequence[str]) -> np.ndarray:
        """Return float32 [texts, labels], as the board has them for its documents."""
        import numpy as np

        parts = [
            self.classifier.predict_logits(texts[start : start + self.chunk])
            for start in range(0, len(texts), self.chunk)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.labels)), np.float32)

    def probabilities(self, logits: np.ndarray) -> np.ndarray | None:
        """Return float64 [texts, labels] at the board's temperature; None where there are none."""
        temperature = self.tuning.temperature
        if temperature is None:
            return None
        return probabilities_of(self.system.corpus.kind, logits, temperature)

    def predict(self, texts: Sequence[str], top: int = 1) -> list[Prediction]:
        """Return the labels of every text by the board's rule, and the `top` most likely ones."""
        import numpy as np

        logits = self.logits(texts)
        decided = decide(self.system.corpus.kind, logits, self.tuning.threshold)
        probable, names = self.probabilities(logits), self.labels
        order = np.argsort(-logits, axis=1, kind="stable")
        predictions = []
        for row in range(len(texts)):
            chosen = [place for place in order[row] if decided[row, place]]
            best = order[row, : max(top, len(chosen))]
            pairs = (
                (names[place], None if probable is None else float(probable[row, place]))
                for place in best
            )
            predictions.append(Prediction(tuple(names[place] for place in chosen), tuple(pairs)))
        return predictions


def load_predictor(
    store: Store,
    system: TrainedSystem,
    *,
    device: str = "auto",
    weights: str | None = None,
    offline: bool = False,
) -> Predictor:
    """Load the classifier of a system, with what installed plugins supply and nothing else.

    `weights` is the folder or file of a backbone that the catalog does not know. Raises
    BenchbenchError where what was saved, or the backbone's weights, are not those of the record.
    """
    catalog, record = load_catalog(), system.record
    folder = store.folder("artifacts") / str(record.artifacts)
    if record.artifacts is None or not folder.is_dir():
        raise BenchbenchError(
            f"{system.title}: the store has no saved classifier of it; an archive of a published "
            "leaderboard has none. Name the store of the run with --store."
        )
    if folder_digest(folder) != record.artifacts:
        raise BenchbenchError(f"{folder}: its files were changed since they were saved; run again.")
    method = catalog.method(record.cell.method.use)
    backbone = _bound(catalog, system, find_device(device), weights, offline)
    classifier = method.load(folder, backbone)
    used = _used(catalog, system)
    plugins = tuple(f"{plugin.name} of {plugin.distribution} {plugin.version}" for plugin in used)
    chunk = WITHOUT if backbone is None else WITH_MODEL
    return Predictor(system, classifier, chunk, plugins, backbone)


def _used(catalog: Catalog, system: TrainedSystem) -> Sequence[Any]:
    """Return the plugins of the method and of the backbone."""
    cell = system.record.cell
    used = {plugin.name: plugin for plugin in catalog.suppliers("method", cell.method)}
    if cell.backbone is not None and ("backbone", cell.backbone.use) in catalog.sources:
        used |= {plugin.name: plugin for plugin in catalog.suppliers("backbone", cell.backbone)}
    return tuple(used.values())


def _bound(
    catalog: Catalog, system: TrainedSystem, device: Device, weights: str | None, offline: bool
) -> BoundBackbone | None:
    """Return the backbone of a system on a device, with the weights that it was trained on."""
    reference = system.record.cell.backbone
    if reference is None:
        return None
    stored = system.record.identity["parameters"].get("backbone") or {}
    params: Params = all_as_given(stored)
    if weights is not None and "path" in params and reference.use in catalog.backbones:
        backbone, params = catalog.backbone(reference.use), {**params, "path": weights}
    else:
        backbone = _backbone(catalog, reference.use, weights)
    expected = system.record.identity.get("weights")
    params = _with_commit(backbone, params, expected, offline)
    dtype = device.dtype if device.kind == "cuda" else str(system.record.identity["dtype"])
    return BoundBackbone(backbone, params, device.kind, dtype)


def _backbone(catalog: Catalog, use: str, weights: str | None) -> Backbone:
    try:
        return catalog.backbone(weights or use)
    except UnknownName as error:
        raise BenchbenchError(
            f"The backbone '{use}' is not known here: name the folder or file of its weights with "
            "--weights."
        ) from error


def _with_commit(backbone: Backbone, params: Params, expected: Any, offline: bool) -> Params:
    """Return the parameters with which the backbone has the expected weights.

    A hub's branch may have moved on: then the commit is asked for. Raises BenchbenchError where the
    weights are others.
    """
    try:
        found = backbone.identity(params, offline=offline)
    except (BenchbenchError, Skip) as error:  # a store has the names of files, and no paths
        raise BenchbenchError(f"{error}; name where it is with --weights.") from error
    if found == expected:
        return params
    if "revision" in params and COMMIT.fullmatch(str(expected)):
        pinned = {**params, "revision": str(expected)}
        if backbone.identity(pinned, offline=offline) == expected:
            return pinned
    raise BenchbenchError(
        f"{backbone.name}: these are not the weights that the classifier was trained on ("
        f"{str(found)[:12]} instead of {str(expected)[:12]}); name those with --weights."
    )

"""What is read of a dataset's stored predictions, one run at a time, and what of it is kept.

Nothing here needs a model, a plugin or the network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchbench.contract import Json, Kind, Record, StoreError
from benchbench.evaluation import LabelFacts, Scored
from benchbench.evidence.systems import System
from benchbench.machine import file_digest
from benchbench.records import Store, read_json

if TYPE_CHECKING:
    import numpy as np

    from benchbench.contract import Predictions
    from benchbench.evaluation import AdditiveMetric


@dataclass(frozen=True, slots=True)
class RunScores:
    """What is kept of the test predictions of one run."""

    seed: int
    main: AdditiveMetric
    right: np.ndarray
    reliability: np.ndarray
    label_f1: np.ndarray
    confusion: np.ndarray


@dataclass(frozen=True, slots=True)
class Documents:
    """The test documents, which all systems must share to be compared.

    `support` counts those of every label, the labels outside the label space last.
    """

    ids: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    support: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ScoredSystems:
    """A dataset whose runs have been read: its complete systems, best first, and its documents.

    `left_out` says which systems could not be read, and why.
    """

    facts: Json
    systems: tuple[System, ...] = ()
    runs: tuple[tuple[RunScores, ...], ...] = ()
    labels: tuple[str, ...] = ()
    documents: Documents = Documents()
    left_out: tuple[str, ...] = ()


def read_systems(store: Store, facts: Json, ranked: Sequence[System], metric: str) -> ScoredSystems:
    """Read the runs of complete systems; one that does not fit those before it is left out.

    `facts` name the dataset's fingerprint and kind, `metric` is the one to compare by.
    """
    if not ranked:
        return ScoredSystems(facts)
    try:
        labels = labels_of(store, facts["fingerprint"])
    except StoreError as error:
        return ScoredSystems(facts, left_out=(str(error),))
    documents: Documents | None = None
    systems: list[System] = []
    runs: list[tuple[RunScores, ...]] = []
    left_out: list[str] = []
    for system in ranked:
        try:
            own, found = _read_system(store, facts["kind"], labels, system, metric)
            if own != (documents := documents or own):
                raise StoreError("its test documents are not those of the others")
        except StoreError as error:
            left_out.append(f"{system.name}: {error}")
            continue
        systems.append(system)
        runs.append(found)
    return ScoredSystems(
        facts,
        tuple(systems),
        tuple(runs),
        (*labels.names, *labels.unseen),
        documents or Documents(),
        tuple(left_out),
    )


def _read_system(
    store: Store, kind: Kind, labels: LabelFacts, system: System, metric: str
) -> tuple[Documents, tuple[RunScores, ...]]:
    """Read all seeds of a system; raise StoreError where one is missing or differs."""
    documents, runs = set(), []
    for record in sorted(system.records, key=lambda record: record.cell.seed):
        path = store.folder("predictions") / f"{record.predictions}.parquet"
        test = scored_test(path, kind, labels, bool(record.facts.get("hard")))
        predictions = test.predictions
        support = tuple(predictions.gold.sum(axis=0).tolist())
        documents.add(Documents(predictions.ids, predictions.groups, support))
        runs.append(_reading(metric, record, test))
    if len(documents) > 1:
        raise StoreError("its seeds were tested on different documents")
    return documents.pop(), tuple(runs)


def labels_of(store: Store, fingerprint: str) -> LabelFacts:
    """Return what a store knows of a dataset's labels; raise StoreError where it knows nothing."""
    described = read_json(store, "datasets", fingerprint)
    try:
        return LabelFacts.of(described)
    except (KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"datasets/{fingerprint}.json does not describe a dataset") from error


def scored_test(path: Path, kind: Kind, labels: LabelFacts, hard: bool) -> Scored:
    """Return the test split of stored predictions, with what validation tells of it.

    Raises StoreError where the file is missing or not whole.
    """
    from benchbench.evaluation import tune

    predictions = stored_predictions(path, labels)
    tuning = tune(kind, predictions["validation"], hard)
    return Scored(kind, predictions["test"], labels, tuning, hard)


def stored_predictions(path: Path, labels: LabelFacts) -> Mapping[str, Predictions]:
    """Return the predictions of both splits; raise StoreError unless they fit the labels.

    The file's name is its sha256: one byte of it changed is a fault that is told.
    """
    import numpy as np

    from benchbench.records import read_predictions

    try:
        named = file_digest(path) == path.stem
    except OSError as error:
        raise StoreError(f"{path.name} cannot be read ({error.strerror})") from error
    if not named:
        raise StoreError(f"{path.name} is not what its name says: a byte of it was changed")
    predictions = read_predictions(path, len(labels.names) + len(labels.unseen))
    for split, part in predictions.items():
        if not len(part.ids):
            raise StoreError(f"{path.name} holds no predictions of {split}")
        if part.logits.shape[1] != len(labels.names) or not np.isfinite(part.logits).all():
            raise StoreError(f"{path.name}: {split} has not one finite score for each label")
    return predictions


def _reading(metric: str, record: Record, test: Scored) -> RunScores:
    import numpy as np

    from benchbench.evaluation import decided_labels, document_sums, label_f1, reliability

    main = document_sums(metric, test)
    if main is None:
        raise StoreError(f"it has no {metric}")
    gold, decided = test.predictions.gold, decided_labels(test)
    single = test.kind == "single-label"
    right = (gold & decided).any(axis=1) if single else (gold == decided).all(axis=1)
    bins = () if test.hard else reliability(test)
    first, second = (gold, decided) if single else (gold & ~decided, decided & ~gold)
    confusion = first.astype(np.float32).T @ second.astype(np.float32)
    return RunScores(
        record.cell.seed,
        main,
        right,
        np.array(bins, dtype=float).reshape(-1, 3),
        label_f1(test),
        confusion,
    )

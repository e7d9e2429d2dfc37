"""The predictions of a trained system on a split, decided as on the board."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchbench.contract import BenchbenchError, Split, StoreError, decide
from benchbench.evaluation import probabilities_of
from benchbench.evidence import read_board, records_on, stored_predictions
from benchbench.inference import TrainedSystem, trained_system
from benchbench.records import Store, list_names

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class JudgedSplit:
    """The documents of a split, and what a system decides about them.

    `names` has the labels of the label space, then labels that training does not have. `gold` and
    `decided` are bool [documents, names], `probability` is float64 [documents, names] at the
    board's temperature, or None where the system has no probabilities.
    """

    title: str
    kind: str
    ids: tuple[str, ...]
    names: tuple[str, ...]
    gold: np.ndarray
    decided: np.ndarray
    probability: np.ndarray | None

    @property
    def right(self) -> np.ndarray:
        """Whether all labels of a document are right, bool [documents]."""
        right: np.ndarray = (self.gold == self.decided).all(axis=1)
        return right

    def labels(self, chosen: np.ndarray, row: int) -> tuple[str, ...]:
        """Return the names of the labels that a row of `chosen` has."""
        return tuple(name for name, has in zip(self.names, chosen[row], strict=True) if has)


def judge(store: Store, system: TrainedSystem, split: Split = "test") -> JudgedSplit:
    """Return what a system decides about the documents of a split."""
    import numpy as np

    corpus, tuning = system.corpus, system.tuning
    path = store.folder("predictions") / f"{system.record.predictions}.parquet"
    stored = stored_predictions(path, corpus.label_facts, corpus.documents)[split]
    known = stored.logits.shape[1]
    decided = np.zeros(stored.gold.shape, dtype=bool)
    decided[:, :known] = decide(corpus.kind, stored.logits, tuning.threshold)
    probability = None
    if tuning.temperature is not None:
        probability = np.zeros(stored.gold.shape)
        probability[:, :known] = probabilities_of(corpus.kind, stored.logits, tuning.temperature)
    return JudgedSplit(
        system.title, corpus.kind, tuple(stored.ids), tuple(corpus.label_facts.space.columns),
        stored.gold, decided, probability,
    )  # fmt: skip


def systems_of(store: Store, like: TrainedSystem, board: str | None) -> Iterator[TrainedSystem]:
    """Yield every trained system of a board on the dataset of another one, seed by seed."""
    names = list_names(store, "boards")
    if board is None and len(names) != 1:
        raise BenchbenchError(f"Which board? Name one with --board: {', '.join(names) or 'none'}.")
    chosen = read_board(store, board or names[0])
    fingerprint = like.record.identity.get("dataset")
    for record in records_on(store, chosen).values():
        if record is None or record.status != "ok":
            continue
        if record.identity.get("dataset") == fingerprint:
            try:
                yield trained_system(store, record)
            except StoreError:  # its predictions are gone: the leaderboard says so
                continue


def judged_systems(
    store: Store, systems: Iterable[TrainedSystem], split: Split
) -> Iterator[tuple[str, JudgedSplit]]:
    """Yield every trained system's name without its seed, and what it decides about a split."""
    for one in systems:
        cell = one.record.cell
        yield f"{cell.method.name} {cell.backbone}", judge(store, one, split)

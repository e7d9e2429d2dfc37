"""The scores of one trained system, for its model card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchbench.evaluation import title_of
from benchbench.evidence import (
    SystemEvidence,
    load_or_compute,
    read_board,
    records_on,
    score_run,
)
from benchbench.inference.trained_system import TrainedSystem
from benchbench.records import Store, list_names

SHOWN = ("macro_f1", "micro_f1", "accuracy", "exact_match", "mcc", "nll_scaled", "ece_scaled")
"""The metrics of a card, those that have a value."""


@dataclass(frozen=True, slots=True)
class ModelScores:
    """The values of a model by metric, and sentences about all seeds of its system."""

    test: Mapping[str, float]
    validation: Mapping[str, float]
    sentences: tuple[str, ...]


def scores_of(store: Store, system: TrainedSystem) -> ModelScores:
    """Return the scores of a model; the interval is that of its system on the first board."""
    values = score_run(store, system.corpus, system.record, ()).values
    test = {name: values["test"][name] for name in SHOWN if name in values["test"]}
    sentences = (sentence for name in list_names(store, "boards")
                 if (sentence := _on_board(store, name, system)))  # fmt: skip
    return ModelScores(test, values["validation"], tuple(sentences)[:1])


def _on_board(store: Store, name: str, system: TrainedSystem) -> str:
    """Return what a board says of the system of a model; empty where it is not on it."""
    board = read_board(store, name)
    if all(entry.key != system.record.key for entry in board.cells):
        return ""
    evidence = load_or_compute(store, board, records_on(store, board))
    cell = system.record.cell
    dataset = evidence.datasets.get(cell.dataset.name)
    backbone = cell.backbone.name if cell.backbone else ""
    place = dataset.place(cell.method.name, backbone) if dataset else None
    if dataset is None or place is None:
        return ""
    found = dataset.systems[place]
    return (
        f"Over {_seeds(found)}, {title_of(dataset.metric)} is {found.value:.3f} on test"
        f"{_interval(found)}; it is number {place + 1} of {len(dataset.systems)} on board '{name}'."
    )


def _seeds(found: SystemEvidence) -> str:
    return "1 seed" if len(found.seeds) == 1 else f"{len(found.seeds)} seeds"


def _interval(found: SystemEvidence) -> str:
    interval = found.interval
    return f", 95 % interval {interval.low:.3f} to {interval.high:.3f}" if interval else ""

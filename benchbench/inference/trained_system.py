"""One trained classifier of a board: its record, its labels, and what was tuned on validation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchbench.contract import BenchbenchError, CorpusDescription, Record
from benchbench.evaluation import tune
from benchbench.evidence import (
    System,
    read_board,
    read_description,
    records_on,
    stored_predictions,
    systems_on,
    values_of,
)
from benchbench.publishing import select
from benchbench.records import Store, list_names

if TYPE_CHECKING:
    from benchbench.contract import Tuning


@dataclass(frozen=True, slots=True)
class TrainedSystem:
    """A record that has a result, the dataset it was trained on, and its tuning.

    `tuning` has the threshold and the temperature that the board uses for it, from its predictions
    of validation.
    """

    record: Record
    corpus: CorpusDescription
    tuning: Tuning

    @property
    def title(self) -> str:
        """The name of the classifier for people: method, backbone, dataset and seed."""
        return self.record.cell.title

    @property
    def hard(self) -> bool:
        """Whether it decides without probabilities."""
        return bool(self.record.facts.get("hard"))


def find_system(
    store: Store,
    text: str | None = None,
    *,
    board: str | None = None,
    dataset: str | None = None,
    seed: int | None = None,
) -> TrainedSystem:
    """Return the system that `text` names: METHOD, METHOD/BACKBONE or the beginning of a run's id.

    None means the system that is first on the board. Of several seeds, it is the one that is best
    on validation, or `seed`. Raises BenchbenchError where nothing, or more than one thing, fits.
    """
    systems = _winners(store, board) if text is None else select(store, text, board).systems
    return seed_of_system(store, _on_dataset(systems.values(), dataset), seed)


def seed_of_system(store: Store, system: System, seed: int | None = None) -> TrainedSystem:
    """Return one seed of a system: `seed`, or the one that is best on validation."""
    metric = read_description(store, _data_of(system)).main_metric
    return trained_system(store, _of_seed(system, seed, metric))


def trained_system(store: Store, record: Record) -> TrainedSystem:
    """Return the system of a record that has a result; raise StoreError where it cannot be read."""
    corpus = read_description(store, str(record.identity.get("dataset")))
    path = store.folder("predictions") / f"{record.predictions}.parquet"
    predictions = stored_predictions(path, corpus.label_facts, corpus.documents)
    hard = bool(record.facts.get("hard"))
    tuning = tune(corpus.kind, predictions["validation"], hard, record.exact_best)
    return TrainedSystem(record, corpus, tuning)


def _winners(store: Store, name: str | None) -> Mapping[str, System]:
    """Return the system that is first on each dataset of a board."""
    names = list_names(store, "boards")
    if name is None and len(names) != 1:
        raise BenchbenchError(f"Which board? Name one with --board: {', '.join(names) or 'none'}.")
    board = read_board(store, name or names[0])
    records = records_on(store, board)
    values = values_of(store, board, records)
    ranked = {dataset: systems_on(board, dataset, records, values)[0] for dataset in board.wholes}
    first = {dataset: systems[0] for dataset, systems in ranked.items() if systems}
    if not first:
        raise BenchbenchError(f"No system of board '{board.name}' has a result with every seed.")
    return first


def _on_dataset(systems: Iterable[System], dataset: str | None) -> System:
    """Return the system on that dataset, or the only one."""
    by_name = {system.cells[0].cell.dataset.name: system for system in systems}
    if dataset is None and len(by_name) == 1:
        return next(iter(by_name.values()))
    if dataset not in by_name:
        asked = "Which dataset?" if dataset is None else f"It was not trained on '{dataset}'."
        raise BenchbenchError(f"{asked} Name one with --dataset: {', '.join(sorted(by_name))}.")
    return by_name[dataset]


def _data_of(system: System) -> str:
    if not system.records:
        raise BenchbenchError(f"{system.name} has no result.")
    return str(system.records[0].identity.get("dataset"))


def _of_seed(system: System, seed: int | None, metric: str) -> Record:
    """Return the record of a seed; of none, the one that is best on validation."""
    pairs = [*zip(system.records, system.runs, strict=True)]
    if seed is None:
        return max(pairs, key=lambda pair: pair[1]["validation"].get(metric, 0.0))[0]
    for record, _ in pairs:
        if record.cell.seed == seed:
            return record
    seeds = ", ".join(str(record.cell.seed) for record, _ in pairs)
    raise BenchbenchError(f"{system.name} has no result with seed {seed}; there are: {seeds}.")

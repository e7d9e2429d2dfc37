"""What the files of a leaderboard cannot prove, one line each."""

from __future__ import annotations

from collections.abc import Iterator

from benchbench.contract import StoreError
from benchbench.evidence import Board
from benchbench.publishing.claims import Records, predictions_path
from benchbench.records import Store, predicted_for

ALWAYS = (
    "that a model made the predictions, and that cells without a result have none",
    "that methods, backbones and datasets are what their names say",
    "costs, hardware, versions, guards and the facts of each run",
    "fingerprint, label names, training counts, skipped rows and warnings: the texts are not here",
    "that no cell was left out of the board",
    "the title, the note, the command and what was dropped from the grid",
)


def not_proven(store: Store, board: Board, records: Records) -> Iterator[str]:
    """Yield what cannot be proven of a board from its files."""
    yield from ALWAYS
    if nameless := sum(map(bool, _nameless(store, records))):
        yield f"that {nameless} predictions belong to their cells: an older version wrote no names"
    if board.plugin_metrics:
        names = ", ".join(sorted(metric.name for metric in board.plugin_metrics))
        yield f"values of plugins' metrics, which only plugins can compute: {names}"
    published = [score for dataset in board.datasets.values() for score in dataset.baselines]
    if published:
        yield f"{len(published)} scores that others published, shown as they reported them"
    if any(not score.dataset for score in published):
        yield "with which parameters they were measured: an older version did not store them"


def _nameless(store: Store, records: Records) -> Iterator[bool]:
    """Yield, for each run, whether its predictions do not name the cell that they are of."""
    for record in records.values():
        if record is not None and record.status == "ok":
            try:
                yield predicted_for(predictions_path(store, record)) is None
            except StoreError:
                yield False  # it is a fault, and told as one

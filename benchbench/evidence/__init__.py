"""From a board's stored predictions to the value of every metric, its interval and its tests."""

from benchbench.evidence.board import (
    Board,
    BoardCell,
    board_cells,
    describe,
    read_board,
    records_on,
    write_board,
)
from benchbench.evidence.compute import (
    RESAMPLES,
    RIGHT,
    compute_evidence,
    compute_pair,
    load_or_compute,
)
from benchbench.evidence.freeze import with_plugin_results
from benchbench.evidence.runs import ScoredSystems, labels_of, read_systems, stored_predictions
from benchbench.evidence.systems import System, cells_of, systems_on
from benchbench.evidence.values import (
    DatasetEvidence,
    Evidence,
    Interval,
    PairEvidence,
    SystemEvidence,
)

__all__ = [
    "RESAMPLES",
    "RIGHT",
    "Board",
    "BoardCell",
    "DatasetEvidence",
    "Evidence",
    "Interval",
    "PairEvidence",
    "ScoredSystems",
    "System",
    "SystemEvidence",
    "board_cells",
    "cells_of",
    "compute_evidence",
    "compute_pair",
    "describe",
    "labels_of",
    "load_or_compute",
    "read_board",
    "read_systems",
    "records_on",
    "stored_predictions",
    "systems_on",
    "with_plugin_results",
    "write_board",
]

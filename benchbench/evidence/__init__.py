"""From a board's stored predictions to the value of every metric, its interval and its tests."""

from benchbench.evidence.board import (
    Board,
    BoardCell,
    BoardDataset,
    MetricColumn,
    PublishedScore,
    read_description,
    records_on,
    write_board,
)
from benchbench.evidence.board_reader import read_board
from benchbench.evidence.comparison import RIGHT, compare_pair
from benchbench.evidence.compute import (
    compute_evidence,
    compute_values,
    evidence_by,
    load_or_compute,
    read_evidence,
    values_of,
)
from benchbench.evidence.freeze import with_plugin_results
from benchbench.evidence.intervals import Interval, IntervalEstimate
from benchbench.evidence.runs import main_score, score_run, stored_predictions
from benchbench.evidence.scored_systems import FREQUENT, ScoredSystems, scored_systems
from benchbench.evidence.share_values import LearningLaw, ShareScore, SystemLearning
from benchbench.evidence.systems import System, systems_on
from benchbench.evidence.values import (
    LEVEL,
    DatasetEvidence,
    Evidence,
    PairEvidence,
    SystemEvidence,
    Values,
)

__all__ = [
    "FREQUENT",
    "LEVEL",
    "RIGHT",
    "Board",
    "BoardCell",
    "BoardDataset",
    "DatasetEvidence",
    "Evidence",
    "Interval",
    "IntervalEstimate",
    "LearningLaw",
    "MetricColumn",
    "PairEvidence",
    "PublishedScore",
    "ScoredSystems",
    "ShareScore",
    "System",
    "SystemEvidence",
    "SystemLearning",
    "Values",
    "compare_pair",
    "compute_evidence",
    "compute_values",
    "evidence_by",
    "load_or_compute",
    "main_score",
    "read_board",
    "read_description",
    "read_evidence",
    "records_on",
    "score_run",
    "scored_systems",
    "stored_predictions",
    "systems_on",
    "values_of",
    "with_plugin_results",
    "write_board",
]

"""Metrics, intervals and tests as pure functions of arrays."""

from benchbench.evaluation import (
    agreement,
    calibration,
    f1,
    hierarchy,
    randomisation,
    ranking,
    resampling,
)
from benchbench.evaluation.calibration import BINS, reliability
from benchbench.evaluation.f1 import label_f1
from benchbench.evaluation.mcnemar import mcnemar_test
from benchbench.evaluation.multiplicity import holm, letters, rank_intervals
from benchbench.evaluation.plugin_metrics import plugin_values
from benchbench.evaluation.randomisation import draws_for, randomisation_test
from benchbench.evaluation.registry import document_sums, evaluate, tune
from benchbench.evaluation.resampling import (
    Bootstrap,
    bca_interval,
    bootstrap,
    clusters,
    percentile_interval,
)
from benchbench.evaluation.scored import LabelFacts, Scored
from benchbench.evaluation.sums import AdditiveMetric
from benchbench.evaluation.thresholds import decided_labels

__all__ = [
    "BINS",
    "AdditiveMetric",
    "Bootstrap",
    "LabelFacts",
    "Scored",
    "agreement",
    "bca_interval",
    "bootstrap",
    "calibration",
    "clusters",
    "decided_labels",
    "document_sums",
    "draws_for",
    "evaluate",
    "f1",
    "hierarchy",
    "holm",
    "label_f1",
    "letters",
    "mcnemar_test",
    "percentile_interval",
    "plugin_values",
    "randomisation",
    "randomisation_test",
    "rank_intervals",
    "ranking",
    "reliability",
    "resampling",
    "tune",
]

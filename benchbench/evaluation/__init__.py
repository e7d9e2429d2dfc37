"""Metrics, intervals and tests as pure functions of arrays."""

from benchbench.evaluation.calibration import BINS, reliability
from benchbench.evaluation.f1 import label_f1
from benchbench.evaluation.mcnemar import mcnemar_test
from benchbench.evaluation.multiplicity import holm, letters, rank_intervals
from benchbench.evaluation.randomisation import draws_for, randomisation_test
from benchbench.evaluation.registry import FAMILIES, METRICS, evaluate, metrics_of, title_of
from benchbench.evaluation.resampling import (
    Bootstrap,
    bca_interval,
    bootstrap,
    clusters,
    percentile_interval,
)
from benchbench.evaluation.tuning import tune

__all__ = [
    "BINS",
    "FAMILIES",
    "METRICS",
    "Bootstrap",
    "bca_interval",
    "bootstrap",
    "clusters",
    "draws_for",
    "evaluate",
    "holm",
    "label_f1",
    "letters",
    "mcnemar_test",
    "metrics_of",
    "percentile_interval",
    "randomisation_test",
    "rank_intervals",
    "reliability",
    "title_of",
    "tune",
]

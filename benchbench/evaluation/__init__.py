"""Metrics, intervals and tests as pure functions of arrays."""

from benchbench.evaluation.calibration import BINS, probabilities_of, reliability
from benchbench.evaluation.clusters import clusters
from benchbench.evaluation.f1 import LEAST_EXPECTED, frequent, label_f1
from benchbench.evaluation.jackknife import (
    LEAST_SEEDS,
    Uncertain,
    Variation,
    estimate,
    estimate_difference,
    interval,
    joint_covariance,
    p_value,
    variation,
)
from benchbench.evaluation.mcnemar import mcnemar_test
from benchbench.evaluation.multiplicity import holm, letters, rank_intervals
from benchbench.evaluation.power_law import MeasuredScores, NotDetermined, fit_power_law
from benchbench.evaluation.randomisation import draws_for, randomisation_test
from benchbench.evaluation.registry import FAMILIES, METRICS, evaluate, metrics_of, title_of
from benchbench.evaluation.tuning import tune

__all__ = [
    "BINS",
    "FAMILIES",
    "LEAST_EXPECTED",
    "LEAST_SEEDS",
    "METRICS",
    "MeasuredScores",
    "NotDetermined",
    "Uncertain",
    "Variation",
    "clusters",
    "draws_for",
    "estimate",
    "estimate_difference",
    "evaluate",
    "fit_power_law",
    "frequent",
    "holm",
    "interval",
    "joint_covariance",
    "label_f1",
    "letters",
    "mcnemar_test",
    "metrics_of",
    "p_value",
    "probabilities_of",
    "randomisation_test",
    "rank_intervals",
    "reliability",
    "title_of",
    "tune",
    "variation",
]

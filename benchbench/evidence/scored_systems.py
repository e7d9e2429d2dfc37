"""The systems of one dataset that can be compared by one metric, on the same test documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from benchbench.contract import AdditiveMetric, Kind
from benchbench.evidence.runs import Documents, RunScores
from benchbench.evidence.systems import System

FREQUENT = {"macro_f1": "frequent_macro_f1"}
"""The metric over frequent labels that stands beside a metric over all labels."""


@dataclass(frozen=True, slots=True)
class ScoredSystems:
    """The complete systems of a dataset that can be compared by `metric`, best first.

    `runs` has the runs of each system in the order of their seeds; all share `documents`.
    `left_out` says which systems cannot be compared, and why. `seed_free` names the methods whose
    result does not depend on the seed.
    """

    kind: Kind
    metric: str
    labels: tuple[str, ...]
    systems: tuple[System, ...] = ()
    runs: tuple[tuple[RunScores, ...], ...] = ()
    documents: Documents = field(default_factory=Documents)
    left_out: tuple[str, ...] = ()
    lower_is_better: bool = False
    limits: tuple[float, float] | None = None
    seed_free: tuple[str, ...] = ()

    def additive(self, metric: str) -> list[list[AdditiveMetric]]:
        """Return a metric of every run of every system."""
        return [[run.additive[metric] for run in runs] for runs in self.runs]

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """All pairs of systems, by their places."""
        return list(combinations(range(len(self.systems)), 2))

    @property
    def exchanged_pairs(self) -> list[tuple[int, int]]:
        """The pairs tested by exchange of outputs: they have no seeds whose choice is included."""
        return [
            pair
            for pair in self.pairs
            if not all(map(self.speaks_for_method, pair)) or all(map(self.is_seed_free, pair))
        ]

    @property
    def frequent(self) -> str | None:
        """The metric over frequent labels, where some labels are rare."""
        name = FREQUENT.get(self.metric, "")
        return name if any(name in run.additive for runs in self.runs for run in runs) else None

    @property
    def frequent_labels(self) -> int | None:
        """The number of frequent labels, where that matters: some labels are rare."""
        count = self.documents.frequent_labels
        return count if self.metric in FREQUENT and count < len(self.labels) else None

    def seeds_included(self, place: int) -> bool:
        """Say whether the seeds of a system are enough to speak for its method."""
        from benchbench.evaluation import LEAST_SEEDS

        return not self.is_seed_free(place) and len(self.runs[place]) >= LEAST_SEEDS

    def is_seed_free(self, place: int) -> bool:
        """Say whether the seed does not matter to a system, so that one run speaks for it."""
        return self.systems[place].method in self.seed_free

    def speaks_for_method(self, place: int) -> bool:
        """Say whether intervals and tests of a system are about its method."""
        return self.is_seed_free(place) or self.seeds_included(place)


def scored_systems(
    kind: Kind,
    metric: str,
    labels: tuple[str, ...],
    ranked: Sequence[System],
    runs: Mapping[str, RunScores],
) -> ScoredSystems:
    """Return the systems of `ranked` that have the metric and share their test documents."""
    documents: Documents | None = None
    systems: list[System] = []
    kept: list[tuple[RunScores, ...]] = []
    left_out: list[str] = []
    for system in ranked:
        scores = [runs[entry.id] for entry in system.cells]
        scores.sort(key=lambda run: run.seed)
        reason = _reason_to_leave_out(scores, metric, documents)
        if reason:
            left_out.append(f"{system.name}: {reason}")
            continue
        documents = scores[0].documents
        systems.append(system)
        kept.append(tuple(scores))
    return ScoredSystems(
        kind,
        metric,
        labels,
        tuple(systems),
        tuple(kept),
        documents or (next(iter(runs.values())).documents if runs else Documents()),
        tuple(left_out),
    )


def _reason_to_leave_out(
    runs: Sequence[RunScores], metric: str, documents: Documents | None
) -> str:
    """Return why a system cannot be compared, or an empty text."""
    if any(metric not in run.values["test"] for run in runs):
        return f"it has no {metric}"
    if any(metric not in run.additive for run in runs):
        return f"{metric} is a plain number, so it has no interval and no test"
    if any(run.documents != runs[0].documents for run in runs):
        return "its seeds were tested on different documents"
    if documents is not None and runs[0].documents != documents:
        return "its test documents differ from those of the other systems"
    return ""

"""The evidence of a board as plain data: what its predictions say about systems and pairs.

`compute.py` computes the evidence from stored predictions, and tables show it. It is stored beside
the board, so that reading a leaderboard needs neither predictions nor numpy.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass, field, replace
from itertools import combinations

from benchbench.contract import Json
from benchbench.evidence.intervals import Interval, IntervalEstimate
from benchbench.evidence.share_values import SystemLearning

LEVEL = 0.05
"""The level of significance."""
Values = Mapping[str, Mapping[str, float]]
"""The values of a run, by split and metric; a metric without a value is left out."""


@dataclass(frozen=True, slots=True)
class SystemEvidence:
    """What the test predictions of one system say, over all its seeds.

    - `value`, `interval`: the mean over seeds of the metric that ranks, and its interval; None
      where no interval would hold the truth often enough.
    - `frequent`: the same of macro-F1 over the frequent labels, where the metric that ranks is
      macro-F1 and some labels are rare.
    - `speaks_for_method`: whether intervals and tests include the choice of seeds. Then they are
      about the method, else about the trained models.
    - `letters`: two systems share a letter where they do not differ significantly.
    - `best_rank`, `worst_rank`: the ranks that the system may have.
    - `reliability`: (mean confidence, accuracy, count) per bin that is not empty, over all seeds.
    - `label_f1`: the mean over seeds per label.
    - `confusion`: (label, label, documents) over all seeds. Single-label: (true, decided).
      Multi-label: (missed, wrongly assigned) in the same document.
    """

    method: str
    backbone: str
    seeds: tuple[int, ...]
    value: float
    interval: Interval | None
    frequent: IntervalEstimate | None
    speaks_for_method: bool
    letters: str
    best_rank: int
    worst_rank: int
    reliability: tuple[tuple[float, float, int], ...]
    label_f1: tuple[float, ...]
    confusion: tuple[tuple[int, int, int], ...]

    @property
    def name(self) -> str:
        """The name of the system for people."""
        return f"{self.method} · {self.backbone}" if self.backbone else self.method

    @property
    def shown(self) -> IntervalEstimate:
        """What has an interval: the value, or that over frequent labels where some are rare."""
        return self.frequent or IntervalEstimate(self.value, self.interval)

    def check(self) -> None:
        """Raise ValueError for ranks, shares or counts that no system can have."""
        if not 1 <= self.best_rank <= self.worst_rank:
            raise ValueError(f"its ranks run from {self.best_rank} to {self.worst_rank}")
        if len(set(self.seeds)) != len(self.seeds) or not self.seeds:
            raise ValueError("its seeds must be different, and at least one")
        for confidence, accuracy, count in self.reliability:
            if not (0 <= confidence <= 1 and 0 <= accuracy <= 1 and count >= 1):
                raise ValueError("a bin of its reliability is not (0 to 1, 0 to 1, at least 1)")
        if any(not 0 <= f1 <= 1 for f1 in self.label_f1):
            raise ValueError("label_f1 must be from 0 to 1")
        if any(count < 1 for _, _, count in self.confusion):
            raise ValueError("a confusion has less than one document")


@dataclass(frozen=True, slots=True)
class McNemarEvidence:
    """The documents that only one of two systems gets right, for one seed, and the mid-p value."""

    seed: int
    only_first: int
    only_second: int
    p: float

    def check(self) -> None:
        """Raise ValueError for counts and a p value that no test gives."""
        if self.only_first < 0 or self.only_second < 0 or not 0 <= self.p <= 1:
            raise ValueError("its counts must be at least 0, and its p from 0 to 1")


@dataclass(frozen=True, slots=True)
class PairEvidence:
    """A difference of the metric: `first` minus `second` (places in the list of systems).

    `p_holm` is corrected for all pairs of the dataset. `about_methods` says whether the interval
    and the test include the choice of seeds, or need not: see `SystemEvidence`.
    """

    first: int
    second: int
    difference: float
    interval: Interval | None
    frequent: IntervalEstimate | None
    p: float
    p_holm: float
    about_methods: bool
    mcnemar: tuple[McNemarEvidence, ...]

    @property
    def shown(self) -> IntervalEstimate:
        """What has an interval: the difference, or that over frequent labels if some are rare."""
        return self.frequent or IntervalEstimate(self.difference, self.interval)

    @property
    def contradictory(self) -> bool:
        """Whether the interval and the p value lie on different sides of 5 %, before Holm."""
        interval = self.shown.interval
        return interval is not None and (interval.low > 0 or interval.high < 0) != (self.p < LEVEL)

    def check(self) -> None:
        """Raise ValueError for p values that no test gives."""
        if not (0 <= self.p <= 1 and 0 <= self.p_holm <= 1):
            raise ValueError("its p and p_holm must be from 0 to 1")


@dataclass(frozen=True, slots=True)
class DatasetEvidence:
    """All complete systems of one dataset, best first, and all pairs of them.

    `baseline` is the place of the system that is best on validation of those that need no causal
    language model. `labels` has the label space, then the unseen labels, and `support` the number
    of test documents per label. `frequent_labels` is the number of frequent labels where the metric
    is macro-F1 and some labels are rare, else None. `exchanges` is the number of draws of the
    randomisation test; 0 where no pair needed it. `left_out` says which systems could not be
    compared, and why. `learning` has the scores by the number of training documents, where the
    board has shares of them.
    """

    metric: str
    mcnemar_metric: str
    documents: int
    clusters: int
    labels: tuple[str, ...]
    support: tuple[int, ...]
    systems: tuple[SystemEvidence, ...]
    pairs: tuple[PairEvidence, ...]
    baseline: int | None = None
    left_out: tuple[str, ...] = ()
    frequent_labels: int | None = None
    exchanges: int = 0
    learning: tuple[SystemLearning, ...] = ()

    def to_json(self) -> Json:
        """Return this evidence as plain data, as it always was where the board has no shares."""
        data = asdict(self)
        return data if self.learning else {n: it for n, it in data.items() if n != "learning"}

    @property
    def about_methods(self) -> bool:
        """Whether every verdict is about the methods, and none only about the trained models."""
        return all(system.speaks_for_method for system in self.systems)

    def place(self, method: str, backbone: str) -> int | None:
        """Return a system's place in the list; None where it is not in the list."""
        names = [(system.method, system.backbone) for system in self.systems]
        return names.index((method, backbone)) if (method, backbone) in names else None

    def pair(self, left: int, right: int) -> PairEvidence:
        """Return the pair of two places, given in either order."""
        return next(pair for pair in self.pairs if {pair.first, pair.second} == {left, right})

    def learning_of(self, method: str, backbone: str) -> SystemLearning | None:
        """Return a system's scores by the number of training documents, None without shares."""
        names = (method, backbone)
        return next((it for it in self.learning if (it.method, it.backbone) == names), None)

    def check(self) -> None:
        """Raise ValueError where systems, pairs and labels do not fit each other."""
        count, labels = len(self.systems), len(self.labels)
        if len({(system.method, system.backbone) for system in self.systems}) != count:
            raise ValueError("a system is in it twice")
        if [(pair.first, pair.second) for pair in self.pairs] != [*combinations(range(count), 2)]:
            raise ValueError(f"pairs must have every pair of its {count} systems once, in order")
        if self.learning and len(self.learning) != count:
            raise ValueError("learning must have every system once")
        if any(self.place(it.method, it.backbone) is None for it in self.learning):
            raise ValueError("learning has a system that is not among its systems")
        if self.baseline is not None and not 0 <= self.baseline < count:
            raise ValueError(f"baseline is no place of its {count} systems")
        counts = (self.documents, self.clusters, self.exchanges, *self.support)
        if min(*counts, self.frequent_labels or 0) < 0:
            raise ValueError("documents, clusters, exchanges, support must be at least 0")
        if len(self.support) not in ((labels,) if self.systems else (labels, 0)):
            raise ValueError("support must have one number per label")
        if len({len(system.label_f1) for system in self.systems}) > 1:
            raise ValueError("label_f1 must have equally many numbers for every system")
        for system in self.systems:
            if len(system.label_f1) not in (0, labels) or system.worst_rank > count:
                raise ValueError("label_f1 must have one number per label, and ranks a system")
            if any(not 0 <= place < labels for row in system.confusion for place in row[:2]):
                raise ValueError("a confusion has a label that is not among the labels")


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence of a board: the values of every run, and intervals and tests by dataset.

    - `inputs`: a digest of all that decides the evidence.
    - `values`: the values of a run by split and metric, for each cell id.
    - `unread`: why the predictions of a cell could not be read, for each such cell id.
    """

    inputs: str
    datasets: Mapping[str, DatasetEvidence]
    values: Mapping[str, Values] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> Json:
        """Return this evidence as plain data."""
        datasets = {name: dataset.to_json() for name, dataset in self.datasets.items()}
        return {**asdict(replace(self, datasets={})), "datasets": datasets}

    def check(self) -> None:
        """Raise ValueError for a run without values on both splits."""
        if any(set(run) != {"validation", "test"} for run in self.values.values()):
            raise ValueError("values must have validation and test for every run")

    def check_fits(self, cells: Container[str], datasets: Container[str]) -> None:
        """Raise ValueError where this is not the evidence of a board with these cells and data."""
        if any(cell not in cells for cell in (*self.values, *self.unread)):
            raise ValueError("values or unread has a cell that is not on the board")
        if any(name not in datasets for name in self.datasets):
            raise ValueError("datasets has one that is not on the board")

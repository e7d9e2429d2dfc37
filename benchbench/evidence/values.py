"""The evidence of a board as plain data: what its predictions say about systems and pairs.

`compute.py` computes the evidence from stored predictions, and tables show it. It is stored beside
the board, so that reading a leaderboard needs neither predictions nor numpy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from benchbench.contract import Json

LEVEL = 0.05
"""The level of significance."""
Values = Mapping[str, Mapping[str, float]]
"""The values of a run, by split and metric; a metric without a value is left out."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval: see `evaluation/jackknife.py`."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class IntervalEstimate:
    """A value and its interval; None where no interval would hold the truth often enough."""

    value: float
    interval: Interval | None


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

    @classmethod
    def from_json(cls, data: Json) -> SystemEvidence:
        """Return the evidence from the plain data that `dataclasses.asdict` made of it."""
        return cls(
            **{
                **data,
                "seeds": tuple(data["seeds"]),
                "interval": _interval(data["interval"]),
                "frequent": _estimate(data["frequent"]),
                "reliability": tuple(tuple(bins) for bins in data["reliability"]),
                "label_f1": tuple(data["label_f1"]),
                "confusion": tuple(tuple(entry) for entry in data["confusion"]),
            }
        )


@dataclass(frozen=True, slots=True)
class McNemarEvidence:
    """The documents that only one of two systems gets right, for one seed, and the mid-p value."""

    seed: int
    only_first: int
    only_second: int
    p: float


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

    @classmethod
    def from_json(cls, data: Json) -> PairEvidence:
        """Return the evidence from the plain data that `dataclasses.asdict` made of it."""
        mcnemar = tuple(McNemarEvidence(**test) for test in data["mcnemar"])
        estimates = {
            "interval": _interval(data["interval"]),
            "frequent": _estimate(data["frequent"]),
        }
        return cls(**{**data, **estimates, "mcnemar": mcnemar})


def _interval(data: Json | None) -> Interval | None:
    return Interval(**data) if data else None


def _estimate(data: Json | None) -> IntervalEstimate | None:
    return IntervalEstimate(data["value"], _interval(data["interval"])) if data else None


@dataclass(frozen=True, slots=True)
class DatasetEvidence:
    """All complete systems of one dataset, best first, and all pairs of them.

    `baseline` is the place of the system that is best on validation of those that need no causal
    language model. `labels` has the label space, then the unseen labels, and `support` the number
    of test documents per label. `frequent_labels` is the number of frequent labels where the metric
    is macro-F1 and some labels are rare. `exchanges` is the number of draws of the randomisation
    test; 0 where no pair needed it. `left_out` says which systems could not be compared, and why.
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

    @classmethod
    def from_json(cls, data: Json) -> DatasetEvidence:
        """Return the evidence from the plain data that `dataclasses.asdict` made of it."""
        return cls(
            **{
                **data,
                "labels": tuple(data["labels"]),
                "support": tuple(data["support"]),
                "systems": tuple(SystemEvidence.from_json(system) for system in data["systems"]),
                "pairs": tuple(PairEvidence.from_json(pair) for pair in data["pairs"]),
                "left_out": tuple(data["left_out"]),
            }
        )


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
        return asdict(self)

    @classmethod
    def from_json(cls, data: Json) -> Evidence:
        """Return the evidence that `to_json` wrote."""
        datasets = data["datasets"].items()
        evidence = {name: DatasetEvidence.from_json(dataset) for name, dataset in datasets}
        return cls(**{**data, "datasets": evidence, "values": data["values"]})

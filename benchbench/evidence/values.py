"""The evidence of a board as plain data: what its predictions say about systems and pairs.

`compute.py` computes the evidence from stored predictions, and tables show it. It is stored beside
the board, so that reading a leaderboard needs neither predictions nor numpy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from benchbench.contract import Json

Values = Mapping[str, Mapping[str, float]]
"""The values of a run, by split and metric; a metric without a value is left out."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % bootstrap interval: percentiles, and bias-corrected and accelerated (BCa)."""

    low: float
    high: float
    bca_low: float
    bca_high: float


@dataclass(frozen=True, slots=True)
class SystemEvidence:
    """What the test predictions of one system say, over all its seeds.

    - `value`: the mean of the metric over seeds.
    - `bias`: the mean of the resamples minus `value`. It is negative where rare labels drop out of
      resamples.
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
    interval: Interval
    bias: float
    seeds_resampled: bool
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

    @classmethod
    def from_json(cls, data: Json) -> SystemEvidence:
        """Return the evidence from the plain data that `dataclasses.asdict` made of it."""
        return cls(
            **{
                **data,
                "seeds": tuple(data["seeds"]),
                "interval": Interval(**data["interval"]),
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
    """A difference of the metric: `first` minus `second` (places in the list of systems)."""

    first: int
    second: int
    difference: float
    interval: Interval
    p: float
    p_holm: float
    mcnemar: tuple[McNemarEvidence, ...]

    @classmethod
    def from_json(cls, data: Json) -> PairEvidence:
        """Return the evidence from the plain data that `dataclasses.asdict` made of it."""
        mcnemar = tuple(McNemarEvidence(**test) for test in data["mcnemar"])
        return cls(**{**data, "interval": Interval(**data["interval"]), "mcnemar": mcnemar})


@dataclass(frozen=True, slots=True)
class DatasetEvidence:
    """All complete systems of one dataset, best first, and all pairs of them.

    `baseline` is the place of the best system that needs no causal language model. `labels` has
    the label space, then the unseen labels, and `support` the number of test documents per label.
    `left_out` says which systems could not be compared, and why.
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
    - `family`: the number of pairs on the whole board, for which Holm's correction is made.
    - `resamples`, `exchanges`: the draws of the bootstrap and of the randomisation test; 0 where
      no intervals and tests were computed.
    - `values`: the values of a run by split and metric, for each cell id.
    - `unread`: why the predictions of a cell could not be read, for each such cell id.
    """

    inputs: str
    family: int
    resamples: int
    exchanges: int
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

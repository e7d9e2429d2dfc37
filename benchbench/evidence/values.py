"""The evidence behind a board: what its predictions say of every system and every pair of them.

Values only. `compute.py` computes them from stored predictions; tables show them. They are kept
beside the board, so that reading a leaderboard needs neither a prediction nor numpy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from benchbench.contract import Json

Values = Mapping[str, Mapping[str, float]]
"""The values of a run, by split and metric; a metric that has no value is left out."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Where 95 % of the bootstrap's draws lie: percentiles, and bias-corrected (BCa)."""

    low: float
    high: float
    bca_low: float
    bca_high: float


@dataclass(frozen=True, slots=True)
class SystemEvidence:
    """What the test predictions of one system say, all its seeds together.

    `value` is the mean over seeds of the main metric, `bias` how far the mean of the resamples is
    from it: below where rare labels drop out of resamples. Systems that share one of `letters` are
    not told apart by the test; `best_rank` to `worst_rank` is where it may stand. `reliability`
    holds (mean confidence, accuracy, count) of every bin that is not empty, pooled over seeds.
    `label_f1` has the mean over seeds for every label. `confusion` holds (label, label, documents)
    pooled over seeds: single-label (true, decided); multi-label (missed, wrongly assigned) of one
    document.
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
        """Name the system for people."""
        return f"{self.method} · {self.backbone}" if self.backbone else self.method

    @classmethod
    def from_json(cls, data: Json) -> SystemEvidence:
        """Return the evidence that `dataclasses.asdict` made plain data of."""
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
    """How often one of two systems alone was right, for one seed, with the mid-p value."""

    seed: int
    only_first: int
    only_second: int
    p: float


@dataclass(frozen=True, slots=True)
class PairEvidence:
    """A difference of the main metric, `first` minus `second` (places in the list of systems)."""

    first: int
    second: int
    difference: float
    interval: Interval
    p: float
    p_holm: float
    mcnemar: tuple[McNemarEvidence, ...]

    @classmethod
    def from_json(cls, data: Json) -> PairEvidence:
        """Return the evidence that `dataclasses.asdict` made plain data of."""
        mcnemar = tuple(McNemarEvidence(**test) for test in data["mcnemar"])
        return cls(**{**data, "interval": Interval(**data["interval"]), "mcnemar": mcnemar})


@dataclass(frozen=True, slots=True)
class DatasetEvidence:
    """All complete systems of one dataset, best first, and all pairs of them.

    `baseline` is the place of the best system that needs no causal language model. `labels` are
    the label space and behind it the labels that it lacks; `support` their test documents.
    `left_out` says which systems could not be weighed, and why.
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
        """Return a system's place in the list, None where it is not among them."""
        names = [(system.method, system.backbone) for system in self.systems]
        return names.index((method, backbone)) if (method, backbone) in names else None

    def pair(self, one: int, other: int) -> PairEvidence:
        """Return the pair of two places, whichever comes first."""
        return next(pair for pair in self.pairs if {pair.first, pair.second} == {one, other})

    @classmethod
    def from_json(cls, data: Json) -> DatasetEvidence:
        """Return the evidence that `dataclasses.asdict` made plain data of."""
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
    """All that a board's predictions say: values of every run, and by dataset what is sure.

    `values` maps a cell id to the values of a run, by split and metric; `unread` maps a cell id
    to the reason why its predictions could not be read. `inputs` is a digest of all that the
    evidence follows from. `family` counts the pairs of the whole board, which Holm's correction
    is for; `resamples` and `exchanges` are the draws of the bootstrap and of the randomisation
    test, 0 where no intervals and tests were computed.
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

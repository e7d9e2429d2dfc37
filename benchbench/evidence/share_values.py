"""The scores of a system by the number of training documents, and the curve through them."""

from __future__ import annotations

from dataclasses import dataclass

from benchbench.evidence.intervals import Interval, IntervalEstimate


@dataclass(frozen=True, slots=True)
class ShareScore:
    """The scores of a system that was trained on a share of the training documents.

    - `value`, `interval`, `frequent`: on test, as in `SystemEvidence`.
    - `validation`, `error`: the score on validation and its standard error; None where there is
      none.
    """

    share: float
    documents: int
    seeds: tuple[int, ...]
    value: float
    interval: Interval | None
    frequent: IntervalEstimate | None
    validation: float | None = None
    error: float | None = None

    @property
    def shown(self) -> IntervalEstimate:
        """What has an interval: the value, or that over frequent labels where some are rare."""
        return self.frequent or IntervalEstimate(self.value, self.interval)

    def check(self) -> None:
        """Raise ValueError for a share or a number of documents that cannot be."""
        if not 0 < self.share <= 1 or self.documents < 1 or not self.seeds:
            raise ValueError("its share must be from 0 to 1, with a document and a seed at least")


@dataclass(frozen=True, slots=True)
class LearningLaw:
    """A curve: score = asymptote - scale * documents ** -exponent, fitted on validation.

    `gain` is what twice the training documents are expected to add.
    """

    asymptote: float
    scale: float
    exponent: float
    gain: float
    interval: Interval

    def __call__(self, documents: float) -> float:
        """Return the score that the curve has at a number of training documents."""
        falling: float = float(documents) ** -self.exponent
        return self.asymptote - self.scale * falling

    def check(self) -> None:
        """Raise ValueError for a curve that the fit cannot give."""
        if not 0 < self.exponent <= 10:
            raise ValueError("its exponent must be above 0 and at most 10")


@dataclass(frozen=True, slots=True)
class SystemLearning:
    """The scores of one system by its share of the training documents, the smallest first.

    `law` is the curve through them; where there is none, `reason` says why.
    """

    method: str
    backbone: str
    scores: tuple[ShareScore, ...]
    law: LearningLaw | None
    reason: str = ""

    @property
    def name(self) -> str:
        """The name of the system for people."""
        return f"{self.method} · {self.backbone}" if self.backbone else self.method

    def check(self) -> None:
        """Raise ValueError where shares are not in order, or a law has a reason to be absent."""
        shares = [score.share for score in self.scores]
        if shares != sorted(set(shares)) or not shares:
            raise ValueError("its shares must be different and in order, and at least one")
        if (self.law is None) != bool(self.reason):
            raise ValueError("it must have either a law or a reason why there is none")

"""From the runs on shares of the training documents to scores, a curve, and what more would give.

The curve is fitted on validation, so that test chooses and fits nothing. The scores on all shares
are of the same documents, so that most of their noise is shared: the covariance has that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from benchbench.evidence.board import Board
from benchbench.evidence.comparison import score_interval, variations
from benchbench.evidence.intervals import Interval, IntervalEstimate
from benchbench.evidence.scored_systems import FREQUENT, ScoredSystems
from benchbench.evidence.share_values import LearningLaw, ShareScore, SystemLearning

if TYPE_CHECKING:
    from benchbench.evaluation import Variation

ScoredDataset = Callable[[str], ScoredSystems]
"""Returns the systems of a dataset that can be compared, by its name."""
Part = tuple[ShareScore, "Variation | None"]
"""The scores on a share, and how the score on validation varies."""


def learning_evidence(
    board: Board, dataset: str, whole: ScoredSystems, scored: ScoredDataset
) -> tuple[SystemLearning, ...]:
    """Return the scores by share of every system of `whole`; none without shares on the board."""
    shares = board.parts_of(dataset)
    if not shares:
        return ()
    parts: dict[tuple[str, str], list[Part]] = {}
    for name, share in (*shares.items(), (dataset, 1.0)):
        of_share = whole if share == 1 else scored(name)
        for system, part in _parts(of_share, share, board.datasets[name].documents["train"]):
            parts.setdefault(system, []).append(part)
    ranked = [(system.method, system.backbone) for system in whole.systems]
    return tuple(_system(whole, names, parts[names]) for names in ranked)


def _parts(
    scored: ScoredSystems, share: float, documents: int
) -> Iterator[tuple[tuple[str, str], Part]]:
    """Yield (method and backbone, scores on a share) of every system."""
    from benchbench.evaluation import estimate

    if not scored.systems:
        return
    varied = variations(scored)
    for place, system in enumerate(scored.systems):
        of_metric, frequent = estimate(varied.by_metric[place]), None
        if varied.by_frequent is not None and scored.frequent is not None:
            of_frequent = estimate(varied.by_frequent[place])
            interval = score_interval(scored, scored.frequent, place, of_frequent)
            frequent = IntervalEstimate(of_frequent.value, interval)
        score = ShareScore(
            share,
            documents,
            tuple(run.seed for run in scored.runs[place]),
            of_metric.value,
            score_interval(scored, scored.metric, place, of_metric),
            frequent,
        )
        yield (system.method, system.backbone), _with_validation(scored, place, score)


def _with_validation(scored: ScoredSystems, place: int, score: ShareScore) -> Part:
    """Return the score with that on validation, and how it varies; None where there is none."""
    from benchbench.evaluation import clusters, estimate, variation

    runs = [run.validation for run in scored.runs[place] if run.validation is not None]
    metrics = [run.additive[scored.metric] for run in runs if scored.metric in run.additive]
    if len(metrics) < len(score.seeds) or len({run.groups for run in runs}) > 1:
        return score, None
    varied = variation(metrics, clusters(runs[0].groups), seeds=scored.seeds_included(place))
    of_metric = estimate(varied)
    return replace(score, validation=of_metric.value, error=of_metric.error), varied


def _system(whole: ScoredSystems, names: tuple[str, str], parts: Sequence[Part]) -> SystemLearning:
    from benchbench.evaluation import NotDetermined

    scores = tuple(score for score, _ in parts)
    try:
        law, reason = _law(whole, parts), ""
    except NotDetermined as error:
        law, reason = None, str(error)
    return SystemLearning(*names, scores, law, reason)


def _law(whole: ScoredSystems, parts: Sequence[Part]) -> LearningLaw:
    """Return the curve through the scores on validation; raise NotDetermined where there is none.

    Scores of fewer seeds than the whole has are left out.
    """
    import numpy as np

    from benchbench.evaluation import (
        MeasuredScores,
        NotDetermined,
        fit_power_law,
        joint_covariance,
    )

    metrics = [run.additive[whole.metric] for runs in whole.runs for run in runs]
    if whole.metric not in FREQUENT and not all(metric.interval for metric in metrics):
        raise NotDetermined("no interval of the metric would hold the truth often enough")
    seeds = parts[-1][0].seeds
    known = [(score, of) for score, of in parts if of is not None and score.seeds == seeds]
    if len({len(of.left_out) for _, of in known}) != 1:
        raise NotDetermined("it has no score on validation with an uncertainty")
    law = fit_power_law(
        MeasuredScores(
            [score.documents for score, _ in known],
            np.array([of.value for _, of in known]),
            joint_covariance([of for _, of in known]),
            whole.limits,
            whole.lower_is_better,
        )
    )
    return LearningLaw(
        law.asymptote, law.scale, law.exponent, law.gain, Interval(law.low, law.high)
    )

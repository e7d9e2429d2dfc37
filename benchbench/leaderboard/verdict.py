"""The verdict on a dataset, in a few sentences: who is first, how sure that is, what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchbench.evidence import DatasetEvidence, SystemEvidence
from benchbench.leaderboard.costs import SystemCost
from benchbench.leaderboard.learning_tables import expected_gain
from benchbench.leaderboard.system_tables import Shown

MOST_NAMES = 4
"""So many names stand in a sentence; the rest is a number."""
Costs = Mapping[tuple[str, str], SystemCost]
"""What systems cost, by method and backbone."""


def verdict(shown: Shown) -> tuple[str, ...]:
    """Return who is first, what it costs, what is not told apart from it, and what is cheaper.

    Where the board has shares of the training documents, it ends with what twice as many would
    give to the first. It is empty where no system has evidence. What is cheapest is so in training
    and 1,000 predictions together.
    """
    evidence = shown.evidence
    if not evidence.systems:
        return ()
    best, *others = evidence.systems
    ties = [system for system in others if set(system.letters) & set(best.letters)]
    costs = {
        (system.method, system.backbone): SystemCost.of(system.records) for system in shown.ranked
    }
    sentences = (
        _first(best, evidence, shown.metrics.title(evidence.metric)),
        _cost(best, costs, shown.price_per_hour),
        _told_apart(ties) if others else "",
        _cheapest(best, ties, costs, shown.price_per_hour),
        _more_labels(best, shown),
    )
    return tuple(sentence for sentence in sentences if sentence)


def _first(best: SystemEvidence, evidence: DatasetEvidence, metric: str) -> str:
    interval = best.interval
    certainty = f"95 % interval {interval.low:.3f} to {interval.high:.3f}, " if interval else ""
    about = "" if evidence.about_methods else ", of these trained models,"
    second = evidence.systems[1:2]
    ahead = [f", {_ahead(best.value, other.value)} {other.name}" for other in second]
    return (
        f"{best.name} is first{about} with {metric} {best.value:.3f}{''.join(ahead)} "
        f"({certainty}{evidence.documents:,} test documents)."
    )


def _ahead(best: float, other: float) -> str:
    difference = f"{abs(best - other):.3f}"
    return "level with" if float(difference) == 0 else f"{difference} ahead of"


def _told_apart(ties: Sequence[SystemEvidence]) -> str:
    if not ties:
        return "The test tells it apart from every other system."
    return f"The test does not tell it apart from {_listed([system.name for system in ties])}."


def _cost(best: SystemEvidence, costs: Costs, price: float | None) -> str:
    cost = costs.get((best.method, best.backbone))
    words = cost.words(price) if cost is not None else ""
    return f"It {words}." if words else ""


def _cheapest(
    best: SystemEvidence, ties: Sequence[SystemEvidence], costs: Costs, price: float | None
) -> str:
    """Say which of the systems that are not told apart is the cheapest; empty where unknown."""
    prices = {
        system.name: (cost.seconds, cost)
        for system in (best, *ties)
        if (cost := costs.get((system.method, system.backbone))) is not None
        if cost.seconds is not None
    }
    if not ties or best.name not in prices:
        return ""
    name = min(prices, key=lambda name: prices[name][0])
    if name == best.name:
        return "None of these is cheaper."
    return f"The cheapest of these is {name}: it {prices[name][1].words(price)}."


def _more_labels(best: SystemEvidence, shown: Shown) -> str:
    learning = shown.evidence.learning_of(best.method, best.backbone)
    if learning is None:
        return ""
    return expected_gain(learning, shown.metrics.title(shown.metric))


def _listed(names: Sequence[str]) -> str:
    """Return names as they stand in a sentence, those beyond `MOST_NAMES` as their number."""
    few = len(names) <= MOST_NAMES
    shown = [*names] if few else [*names[:MOST_NAMES], f"{len(names) - MOST_NAMES} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"

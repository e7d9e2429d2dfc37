"""Would more labels help? The scores by number of training documents, and the curves through them.

The curve of a system is fitted on validation, so that nothing is fitted to test. Both tables are
absent where the board has no shares of the training documents.
"""

from __future__ import annotations

from benchbench.evidence import FREQUENT, ShareScore, SystemLearning
from benchbench.leaderboard.system_tables import NAMES, Shown
from benchbench.leaderboard.tables import Column, Entry, Row, Table, interval_entry

ABOUT_SHARES = (
    "Each share is a seeded, stratified sample of the training documents that holds all smaller "
    "ones. It is the same for every system and seed, so the choice of the sample is not in the "
    "intervals. Validation and test are always the same documents. Intervals are those of the "
    "ranking; ranks and tests use the full training alone."
)
ABOUT_CURVES = (
    "score = a - b / documents^c (Cortes et al. 1993, Hestness et al. 2017), fitted on validation "
    "by least squares. A gain is what the curve says of twice the training documents; nobody has "
    "measured it. Its 95 % interval comes from 2,000 draws of scores with the noise of the "
    "documents, and of the seeds from three on. Thresholds and early stopping use validation, too, "
    "so its scores may be a little high."
)
RARE = "Where labels are rare in validation, an interval of macro-F1 may be too narrow."


def learning_tables(shown: Shown) -> list[Table]:
    """Return the scores by share, and the curves; no table without shares."""
    if not shown.evidence.learning:
        return []
    return [_scores(shown), _gains(shown)]


def expected_gain(learning: SystemLearning, metric: str) -> str:
    """Return in a sentence what twice the labels would give to a system."""
    law = learning.law
    if law is None:
        return f"What more labels would give is not determined: {learning.reason}."
    low, high = law.interval.low, law.interval.high
    return (
        f"Doubling the labels is expected to give {learning.name} {law.gain:+.3f} {metric} "
        f"(extrapolated; 95 % interval {low:+.3f} to {high:+.3f})."
    )


def _scores(shown: Shown) -> Table:
    evidence, metric = shown.evidence, shown.metric
    title = shown.metrics.title(metric)
    frequent = any(score.frequent for it in evidence.learning for score in it.scores)
    labels = f"{evidence.frequent_labels} frequent labels"
    columns = (
        *NAMES,
        Column.of("share", "share of training"),
        Column.of("documents", "training documents"),
        Column.of(metric, f"{title}, test"),
        *([Column.of(f"frequent_{metric}", f"{title}, test, {labels}")] if frequent else []),
        Column("95 % interval", ("low", "high")),
        Column(f"{title}, validation", (f"validation_{metric}", "validation_error")),
        Column.of("seeds", "seeds"),
    )
    rows = [
        Row(_place(shown, it), _score_entries(it, score, frequent))
        for it in evidence.learning
        for score in it.scores
    ]
    notes = (f"{ABOUT_SHARES} ± is the standard error.",)
    return Table("learning", "Score by number of training documents", columns, tuple(rows), notes)


def _score_entries(it: SystemLearning, score: ShareScore, frequent: bool) -> tuple[Entry, ...]:
    of_frequent = score.frequent.value if score.frequent else None
    return (
        *_names(it),
        Entry(f"{score.share * 100:g} %", (score.share,)),
        Entry.number(score.documents, ",d"),
        Entry.number(score.value),
        *([Entry.number(of_frequent)] if frequent else []),
        interval_entry(score.shown.interval),
        _validation(score),
        Entry.number(len(score.seeds), "d"),
    )


def _validation(score: ShareScore) -> Entry:
    if score.validation is None or score.error is None:
        return Entry.empty(2)
    text = f"{score.validation:.3f} ± {score.error:.3f}"
    return Entry(text, (score.validation, score.error))


def _gains(shown: Shown) -> Table:
    title = shown.metrics.title(shown.metric)
    columns = (
        *NAMES,
        Column.of("gain", f"{title}, expected gain"),
        Column("95 % interval", ("low", "high")),
        Column.of("asymptote", "a"),
        Column.of("scale", "b"),
        Column.of("exponent", "c"),
    )
    learning = shown.evidence.learning
    rows = tuple(Row(_place(shown, it), (*_names(it), *_law_entries(it))) for it in learning)
    sentences = " ".join(_sentence(it, title) for it in learning)
    rare = f" {RARE}" if shown.metric in FREQUENT else ""
    notes = (f"{ABOUT_CURVES}{rare}", sentences)
    return Table("doubling", "What twice the training documents would give", columns, rows, notes)


def _law_entries(it: SystemLearning) -> tuple[Entry, ...]:
    if (law := it.law) is None:
        return Entry.empty(), Entry.empty(2), *(Entry.empty() for _ in range(3))
    return (
        Entry.number(law.gain, "+.3f"),
        interval_entry(law.interval, "+.3f"),
        Entry.number(law.asymptote),
        Entry.number(law.scale, ".3g"),
        Entry.number(law.exponent if law.scale else None, ".2f"),
    )


def _sentence(it: SystemLearning, title: str) -> str:
    """Return what holds of one system of several: a reason names its system."""
    if it.law is None:
        return f"{it.name}: not determined, {it.reason}."
    return expected_gain(it, title)


def _names(it: SystemLearning) -> tuple[Entry, ...]:
    return Entry.words(it.method), Entry.words(it.backbone or "–")


def _place(shown: Shown, it: SystemLearning) -> int | None:
    place = shown.evidence.place(it.method, it.backbone)
    return None if place is None else place + 1

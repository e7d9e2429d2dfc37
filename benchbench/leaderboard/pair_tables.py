"""The tables about pairs of systems: their differences, and McNemar's test."""

from __future__ import annotations

from benchbench.evaluation import title_of
from benchbench.evidence import DatasetEvidence, PairEvidence
from benchbench.leaderboard.system_tables import NAMES
from benchbench.leaderboard.tables import Column, Entry, Row, Table, interval_entry, p_text

PAIR_COLUMNS = (
    Column.of("first", "first", words=True),
    Column.of("second", "second", words=True),
    Column.of("difference", "difference"),
    Column("95 % interval", ("low", "high")),
    Column.of("p", "p"),
    Column.of("p_holm", "p, Holm"),
    Column.of("about", "about", words=True),
)
CONTRADICTORY = "†"
PAIR_NOTES = (
    "Intervals and p are per pair; 'p, Holm' is corrected for all pairs of the dataset. 'methods' "
    "means that the choice of seeds is included, 'these trained models' that it is not.",
    f"{CONTRADICTORY}: the interval and p lie on different sides of 5 %. They are computed in "
    "different ways, or over different labels, and the pair is borderline. Letters and ranks "
    "follow the test.",
)


def differences(evidence: DatasetEvidence, metric: str) -> Table:
    """Return all differences as a matrix: row - column above the diagonal, Holm's p below it.

    `metric` is the title of the metric.
    """
    systems = evidence.systems
    columns = (
        *NAMES,
        *(Column.of(str(place), str(place)) for place in range(1, len(systems) + 1)),
    )
    pairs = {(pair.first, pair.second): pair for pair in evidence.pairs}
    rows = []
    for place, system in enumerate(systems):
        entries = [Entry.words(system.method), Entry.words(system.backbone or "–")]
        for other in range(len(systems)):
            if other == place:
                entries.append(Entry("·", (None,)))
            elif other > place:
                pair = pairs[place, other]
                entries.append(Entry(f"{pair.difference:+.3f}", (pair.difference,)))
            else:
                pair = pairs[other, place]
                entries.append(Entry(f"p {p_text(pair.p_holm)}", (pair.p_holm,)))
        rows.append(Row(place + 1, tuple(entries)))
    return Table(
        "differences",
        f"Differences of {metric}",
        columns,
        tuple(rows),
        (
            "Above the diagonal: the value of the row minus the value of the column. Below it: the "
            "p value of the same pair, corrected by Holm for all pairs of the dataset.",
        ),
    )


def pairs(evidence: DatasetEvidence) -> Table:
    """Return one row per pair, with its interval.

    Where some labels are rare, there are two differences: over all labels, which is tested, and
    over frequent labels, which has the interval.
    """
    rows = [Row(place, _pair(evidence, pair)) for place, pair in enumerate(evidence.pairs, start=1)]
    columns: tuple[Column, ...] = PAIR_COLUMNS
    if evidence.frequent_labels:
        frequent = Column.of("frequent_difference", "difference, frequent labels")
        columns = (*PAIR_COLUMNS[:3], frequent, *PAIR_COLUMNS[3:])
    notes = PAIR_NOTES if any(pair.contradictory for pair in evidence.pairs) else PAIR_NOTES[:1]
    return Table("pairs", "All pairs", columns, tuple(rows), notes, lengthy=True)


def _pair(evidence: DatasetEvidence, pair: PairEvidence) -> tuple[Entry, ...]:
    frequent = [Entry.number(pair.frequent.value, "+.3f")] if pair.frequent else []
    mark = f" {CONTRADICTORY}" if pair.contradictory else ""
    return (
        Entry.words(evidence.systems[pair.first].name),
        Entry.words(evidence.systems[pair.second].name),
        Entry.number(pair.difference, "+.3f"),
        *frequent,
        interval_entry(pair.shown.interval, "+.3f"),
        Entry(f"{p_text(pair.p)}{mark}", (pair.p,)),
        Entry(p_text(pair.p_holm), (pair.p_holm,)),
        Entry.words("methods" if pair.about_methods else "these trained models"),
    )


def mcnemar(evidence: DatasetEvidence) -> Table:
    """Return McNemar's test of every system against the baseline method, seed by seed.

    On a board without baseline methods, systems are tested against the first one.
    """
    reference = evidence.baseline or 0
    others = [place for place in range(len(evidence.systems)) if place != reference]
    tests = {place: evidence.pair(place, reference) for place in others}
    seeds = sorted({test.seed for pair in tests.values() for test in pair.mcnemar})
    columns = (
        *NAMES,
        *(
            Column(f"seed {seed}", (f"only_it_{seed}", f"only_reference_{seed}", f"p_{seed}"))
            for seed in seeds
        ),
    )
    rows = []
    for place, pair in tests.items():
        system = evidence.systems[place]
        entries = [Entry.words(system.method), Entry.words(system.backbone or "–")]
        by_seed = {test.seed: test for test in pair.mcnemar}
        for seed in seeds:
            if (test := by_seed.get(seed)) is None:
                entries.append(Entry.empty(3))
                continue
            counts = (test.only_first, test.only_second)
            ours, theirs = counts if pair.first == place else counts[::-1]
            text = f"{ours} : {theirs}, p {p_text(test.p)}"
            entries.append(Entry(text, (ours, theirs, test.p)))
        rows.append(Row(place + 1, tuple(entries)))
    return Table(
        "mcnemar",
        "McNemar's test",
        columns,
        tuple(rows),
        (
            "Each entry has the form x : y, p. x is the number of documents on which only the "
            f"system of the row is right, y the number on which only "
            f"{evidence.systems[reference].name} is right (by {title_of(evidence.mcnemar_metric)})."
            " p is the mid-p value, not corrected. The JSON and HTML forms have all pairs.",
        ),
    )

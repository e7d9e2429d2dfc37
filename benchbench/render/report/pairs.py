"""The report's tables of pairs: differences to a baseline, and all pairs with McNemar's test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from benchbench.evaluation import title_of
from benchbench.evidence import LEVEL, DatasetEvidence, Interval, IntervalEstimate, PairEvidence
from benchbench.leaderboard import Column, Entry, Row, Table, interval_entry, p_text, pairs
from benchbench.render.charts.interval_bar import interval_bar, interval_scale
from benchbench.render.charts.picture import Picture


def pair_table(evidence: DatasetEvidence) -> Table:
    """Return one row per pair, with McNemar's test of every seed beside the difference."""
    table = pairs(evidence)
    seeds = sorted({mcnemar.seed for pair in evidence.pairs for mcnemar in pair.mcnemar})
    columns = tuple(Column(f"McNemar, seed {seed}", (f"p_{seed}",)) for seed in seeds)
    rows = tuple(
        replace(row, entries=(*row.entries, *_mcnemar(pair, seeds)))
        for row, pair in zip(table.rows, evidence.pairs, strict=True)
    )
    note = (
        f"First minus second, {title_of(evidence.metric)}. McNemar: the number of documents that "
        "only the first had right, and that only the second had right "
        f"({title_of(evidence.mcnemar_metric)}), and the mid-p value, not corrected."
    )
    return replace(table, columns=(*table.columns, *columns), rows=rows, notes=(note, *table.notes))


def _mcnemar(pair: PairEvidence, seeds: Sequence[int]) -> list[Entry]:
    """Return the entry of every seed, empty where the pair was not tested with it."""
    tests = {mcnemar.seed: mcnemar for mcnemar in pair.mcnemar}
    return [
        Entry(f"{test.only_first} : {test.only_second}, p {p_text(test.p)}", (test.p,))
        if (test := tests.get(seed))
        else Entry.empty()
        for seed in seeds
    ]


def difference_table(evidence: DatasetEvidence) -> tuple[Table, tuple[Picture, ...]]:
    """Return every system's difference to the baseline, and its interval as a picture.

    Where the board has no baseline method, the difference to the first system.
    """
    reference = evidence.baseline or 0
    places = [place for place in range(len(evidence.systems)) if place != reference]
    seen = [_seen_from(evidence.pair(place, reference), place) for place in places]
    scale = interval_scale((pair.shown for pair in seen), 0.0)
    name = evidence.systems[reference].name
    rows = tuple(
        Row(place + 1, _difference(evidence.systems[place].name, pair))
        for place, pair in zip(places, seen, strict=True)
    )
    pictures = tuple(
        interval_bar(f"{evidence.systems[place].name} minus {name}", pair.shown, scale, 0)
        for place, pair in zip(places, seen, strict=True)
    )
    columns = (
        Column.of("system", "system", words=True),
        Column.of("difference", "difference"),
        Column("95 % interval", ("low", "high")),
        Column.of("p_holm", "p, Holm"),
        Column.of("verdict", "at the 5 % level", words=True),
    )
    baseline = "the baseline method that is best on validation"
    which = baseline if evidence.baseline is not None else "the first system"
    note = f"Each system minus {name}, {which}; the thin line marks no difference."
    return Table("against", f"Against {which}", columns, rows, (note,)), pictures


def _seen_from(pair: PairEvidence, place: int) -> PairEvidence:
    """Return a pair with the system at `place` as the first one."""
    if pair.first == place:
        return pair
    turned = _turned(IntervalEstimate(pair.difference, pair.interval))
    return replace(
        pair,
        first=place,
        second=pair.first,
        difference=turned.value,
        interval=turned.interval,
        frequent=_turned(pair.frequent) if pair.frequent else None,
    )


def _turned(difference: IntervalEstimate) -> IntervalEstimate:
    """Return the difference with its sign turned."""
    interval = difference.interval
    return IntervalEstimate(-difference.value, interval and Interval(-interval.high, -interval.low))


def _difference(name: str, pair: PairEvidence) -> tuple[Entry, ...]:
    """Return the entries of a row of the table of differences."""
    if pair.p_holm >= LEVEL:
        verdict = "not told apart"
    else:
        verdict = "better" if pair.difference > 0 else "worse"
    return (
        Entry.words(name),
        Entry.number(pair.shown.value, "+.3f"),
        interval_entry(pair.shown.interval, "+.3f"),
        Entry(p_text(pair.p_holm), (pair.p_holm,)),
        Entry.words(verdict),
    )

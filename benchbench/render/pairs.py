"""All pairs of systems as a table, with McNemar's test of every seed beside the difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from benchbench.evaluation import title_of
from benchbench.evidence import DatasetEvidence, PairEvidence
from benchbench.leaderboard import Column, Entry, Row, Table, p_text, pairs
from benchbench.render.charts import interval_bar, interval_scale
from benchbench.render.picture import Picture


def pair_table(evidence: DatasetEvidence) -> Table:
    """Return every pair as a row."""
    table = pairs(evidence)
    seeds = sorted({each.seed for pair in evidence.pairs for each in pair.mcnemar})
    columns = tuple(Column(f"McNemar, seed {seed}", (f"p_{seed}",)) for seed in seeds)
    rows = tuple(
        replace(row, entries=(*row.entries, *_mcnemar(pair, seeds)))
        for row, pair in zip(table.rows, evidence.pairs, strict=True)
    )
    note = (
        f"First minus second, {title_of(evidence.metric)}. The p values are those of the paired "
        "randomisation test, raw and corrected by Holm for all pairs of the board. McNemar: "
        "documents that the first alone, and that the second alone had right "
        f"({title_of(evidence.mcnemar_metric)}), and the mid-p value, not corrected."
    )
    return Table("pairs", "All pairs", (*table.columns, *columns), rows, (note,))


def _mcnemar(pair: PairEvidence, seeds: Sequence[int]) -> list[Entry]:
    found = {each.seed: each for each in pair.mcnemar}
    return [
        Entry(f"{each.only_first} : {each.only_second}, p {p_text(each.p)}", (each.p,))
        if (each := found.get(seed))
        else Entry.empty()
        for seed in seeds
    ]


def difference_table(evidence: DatasetEvidence) -> tuple[Table, tuple[Picture, ...]]:
    """Return every system's difference to the best baseline, and its interval as a picture.

    Where the board has no baseline method, the difference to the first system.
    """
    reference = evidence.baseline or 0
    others = [place for place in range(len(evidence.systems)) if place != reference]
    ours = [_seen_from(evidence.pair(place, reference), place) for place in others]
    scale = interval_scale((pair.interval for pair in ours), 0.0)
    name = evidence.systems[reference].name
    rows = tuple(
        Row(place + 1, _difference(evidence.systems[place].name, pair))
        for place, pair in zip(others, ours, strict=True)
    )
    pictures = tuple(
        interval_bar(
            f"{evidence.systems[place].name} minus {name}", pair.difference, pair.interval, scale, 0
        )
        for place, pair in zip(others, ours, strict=True)
    )
    columns = (
        Column.of("system", "system", words=True),
        Column.of("difference", "difference"),
        Column("95 % interval", ("low", "high")),
        Column.of("p_holm", "p, Holm"),
        Column.of("verdict", "at the 5 % level", words=True),
    )
    which = "the best baseline method" if evidence.baseline is not None else "the first system"
    note = f"Each system minus {name}, {which}; the thin line is no difference."
    return Table("against", f"Against {which}", columns, rows, (note,)), pictures


def _seen_from(pair: PairEvidence, place: int) -> PairEvidence:
    """Return a pair as that system minus the other one."""
    if pair.first == place:
        return pair
    turned = replace(
        pair.interval,
        low=-pair.interval.high,
        high=-pair.interval.low,
        bca_low=-pair.interval.bca_high,
        bca_high=-pair.interval.bca_low,
    )
    return replace(
        pair, first=place, second=pair.first, difference=-pair.difference, interval=turned
    )


def _difference(name: str, pair: PairEvidence) -> tuple[Entry, ...]:
    if pair.p_holm >= 0.05:
        verdict = "not told apart"
    else:
        verdict = "better" if pair.difference > 0 else "worse"
    interval = pair.interval
    return (
        Entry.words(name),
        Entry.number(pair.difference, "+.3f"),
        Entry(f"{interval.low:+.3f} to {interval.high:+.3f}", (interval.low, interval.high)),
        Entry(p_text(pair.p_holm), (pair.p_holm,)),
        Entry.words(verdict),
    )

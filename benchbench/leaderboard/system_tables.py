"""The tables with one row per system: the ranking, and the further metrics by family."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from benchbench.contract import Record
from benchbench.evidence import FREQUENT, BoardDataset, DatasetEvidence, MetricColumn, System
from benchbench.leaderboard.costs import DOCUMENTS, SystemCost, kilowatt_hours, money
from benchbench.leaderboard.metric_columns import MetricColumns
from benchbench.leaderboard.tables import Column, Entry, Row, Table, interval_entry, p_text

SECOND = {"single-label": "accuracy", "multi-label": "macro_f1"}
"""The metric that is shown beside the metric that ranks."""
OTHER_SECOND = "weighted_f1"
"""The metric that is shown in its place where it is the metric that ranks."""
NAMES = (Column.of("method", "method", words=True), Column.of("backbone", "backbone", words=True))
COSTS = (
    ("fit_seconds", "training s"),
    ("documents_per_second", "documents/s"),
    ("peak_mib", "peak MiB"),
)
PRICES = (
    Column.of("training_price", "price of training"),
    Column.of("prediction_price", f"price of {DOCUMENTS:,} documents"),
)
ENERGY = Column.of("energy_kwh", "kWh")


@dataclass(frozen=True, slots=True)
class Shown:
    """What the tables of one dataset are made of.

    `ranked` has its complete systems, best first, and `partial` those that lack a seed.
    `price_per_hour` is that of the machine, where the reader has named one.
    """

    dataset: BoardDataset
    evidence: DatasetEvidence
    metrics: MetricColumns
    ranked: tuple[System, ...]
    partial: tuple[System, ...]
    price_per_hour: float | None = None

    @property
    def metric(self) -> str:
        """The metric that ranks."""
        return self.evidence.metric

    @property
    def lower_is_better(self) -> bool:
        """Whether lower values of that metric are better."""
        return any(c.lower_is_better for c in self.metrics.columns if c.name == self.metric)

    @property
    def measured_energy(self) -> bool:
        """Whether the energy of any cell was measured."""
        systems = (*self.ranked, *self.partial)
        return any("energy_kwh" in record.cost for one in systems for record in one.records)

    @property
    def second(self) -> str:
        """The metric that is shown beside the metric that ranks."""
        if self.metric != self.dataset.main_metric:
            return self.dataset.main_metric
        usual = SECOND[self.dataset.kind]
        return usual if usual != self.metric else OTHER_SECOND

    @property
    def placed(self) -> list[tuple[int | None, System]]:
        """Every system with its place; systems that lack a seed come last and have no place."""
        return [*enumerate(self.ranked, start=1), *((None, system) for system in self.partial)]


def ranking(shown: Shown) -> Table:
    """Return the ranking: score, certainty, calibration and cost of every system."""
    columns = _columns(shown)
    rows = [_row(shown, place, system) for place, system in shown.placed]
    return Table("ranking", "Ranking", columns, (*rows, *_reported(shown.dataset, columns)))


def _columns(shown: Shown) -> tuple[Column, ...]:
    main, second, title = shown.metric, shown.second, shown.metrics.title
    count = shown.evidence.documents
    documents = f", n = {count:,}" if count else ""
    about = "" if shown.evidence.about_methods else ", these trained models"
    return (
        *NAMES,
        Column.of(main, title(main)),
        *_frequent_column(shown),
        Column(f"95 % interval{documents}", ("low", "high")),
        Column(f"tied{about}", ("letters",)),
        *(Column.of(key, heading) for key, heading in COSTS),
        *(() if shown.price_per_hour is None else PRICES),
        *((ENERGY,) if shown.measured_energy else ()),
        Column(f"rank{about}", ("best_rank", "worst_rank")),
        Column("p vs baseline", ("p_baseline_holm", "p_baseline")),
        Column.of(f"{main}_sd", "SD over seeds"),
        Column("seeds", ("seeds", "seeds_asked")),
        Column.of(second, title(second)),
        Column.of("ece", title("ece")),
        Column.of("trainable_parameters", "trained parameters"),
    )


def _frequent_column(shown: Shown) -> tuple[Column, ...]:
    """Return the column of the metric over frequent labels, where the interval is about that."""
    labels, name = shown.evidence.frequent_labels, FREQUENT.get(shown.metric)
    if not labels or name is None:
        return ()
    noun = "label" if labels == 1 else "labels"
    return (Column.of(name, f"{shown.metrics.title(shown.metric)}, {labels} frequent {noun}"),)


def _row(shown: Shown, place: int | None, system: System) -> Row:
    """Return the row of a system, in the order of `_columns`."""
    counts = (len(system.records), len(system.cells))
    interval, letters, ranks, p_value = _certainty(shown.evidence, system if place else None)
    trained, *costs = _costs(shown, system.records)
    return Row(
        place,
        (
            *_names(system),
            Entry.number(system.mean(shown.metric)),
            *(Entry.number(system.mean(column.keys[0])) for column in _frequent_column(shown)),
            interval,
            letters,
            *costs,
            ranks,
            p_value,
            _deviation(system.values(shown.metric)),
            Entry(f"{counts[0]} of {counts[1]}", counts),
            Entry.number(system.mean(shown.second)),
            Entry.number(system.mean("ece")),
            trained,
        ),
    )


def further_tables(shown: Shown) -> list[Table]:
    """Return one table per family of metrics, with the metrics for which any system has a value.

    A plugin's metric that failed for every system is also shown.
    """
    kind = shown.dataset.kind
    names = {name for _, system in shown.placed for run in system.runs for name in run["test"]}
    names |= {column.name for column in shown.metrics.of_plugins if kind in column.kinds}
    names -= {shown.metric, shown.second, *(c.keys[0] for c in _frequent_column(shown))}
    return [
        _family(shown, key, title, columns)
        for key, title, columns in shown.metrics.by_family(names)
    ]


def _family(shown: Shown, key: str, title: str, metrics: Sequence[MetricColumn]) -> Table:
    columns = (
        *NAMES,
        *(Column(metric.title, (metric.name, f"{metric.name}_sd")) for metric in metrics),
    )
    rows = [
        Row(place, (*_names(system), *(_score(system.values(metric.name)) for metric in metrics)))
        for place, system in shown.placed
    ]
    return Table(key, title, columns, (*rows, *_reported(shown.dataset, columns)))


def _names(system: System) -> tuple[Entry, ...]:
    return Entry.words(system.method), Entry.words(system.backbone or "–")


def _score(values: list[float]) -> Entry:
    """Return mean and deviation over the seeds."""
    if not values:
        return Entry.empty(2)
    if len(values) == 1:
        return Entry(f"{values[0]:.3f}", (values[0], None))
    mean, deviation = fmean(values), stdev(values)
    return Entry(f"{mean:.3f} ± {deviation:.3f}", (mean, deviation))


def _deviation(values: list[float]) -> Entry:
    return Entry.number(stdev(values) if len(values) > 1 else None)


def _certainty(evidence: DatasetEvidence, ranked: System | None) -> tuple[Entry, ...]:
    """Return interval, letters, ranks and the p value against the baseline method."""
    place = evidence.place(ranked.method, ranked.backbone) if ranked else None
    if place is None:
        return Entry.empty(2), Entry.empty(), Entry.empty(2), Entry.empty(2)
    system = evidence.systems[place]
    ranks = (system.best_rank, system.worst_rank)
    return (
        interval_entry(system.shown.interval),
        Entry.words(system.letters),
        Entry(f"{ranks[0]}" if ranks[0] == ranks[1] else f"{ranks[0]} to {ranks[1]}", ranks),
        _p_to_baseline(evidence, place),
    )


def _p_to_baseline(evidence: DatasetEvidence, place: int) -> Entry:
    if evidence.baseline is None or evidence.baseline == place:
        return Entry.empty(2)
    pair = evidence.pair(place, evidence.baseline)
    return Entry(p_text(pair.p_holm), (pair.p_holm, pair.p))


def _costs(shown: Shown, records: Sequence[Record]) -> tuple[Entry, ...]:
    """Return how many parameters are trained, then the costs in the order of their columns."""
    cost, price = SystemCost.of(records), shown.price_per_hour
    mark = "*" if cost.beside else ""
    return (
        Entry.number(cost.trainable_parameters, ","),
        Entry.number(cost.fit_seconds, ".1f", mark),
        Entry.number(cost.documents_per_second, _rate_form(cost.documents_per_second), mark),
        Entry.number(cost.peak_mib, ",.0f", " GPU" if cost.on_gpu else ""),
        *(() if price is None else _prices(cost, price)),
        *((_energy(cost),) if shown.measured_energy else ()),
    )


def _energy(cost: SystemCost) -> Entry:
    energy = cost.energy_kwh
    if energy is None:
        return Entry.empty()
    return Entry(f"{kilowatt_hours(energy)}{' est.' * cost.estimated}", (energy,))


def _rate_form(rate: float | None) -> str:
    """Return the format of a rate: whole, or with two digits where it is low."""
    return ".2g" if rate is not None and rate < 10 else ",.0f"


def _prices(cost: SystemCost, per_hour: float) -> tuple[Entry, ...]:
    amounts = cost.training_price(per_hour), cost.prediction_price(per_hour)
    return tuple(Entry(money(amount), (amount,)) for amount in amounts)


def _reported(dataset: BoardDataset, columns: Sequence[Column]) -> list[Row]:
    """Return one row per published score of this table's metrics; its other entries are empty."""
    rows = []
    for score in dataset.baselines:
        if not any(score.metric == column.keys[0] for column in columns):
            continue
        entries = [
            Entry(f"{score.value:.3f}", (score.value, *(None for _ in column.keys[1:])))
            if column.keys[0] == score.metric
            else Entry.empty(len(column.keys))
            for column in columns
        ]
        entries[:2] = Entry.words(score.name), Entry.words("as reported")
        rows.append(Row(None, tuple(entries), reported=True))
    return rows

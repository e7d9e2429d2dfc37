"""The tables with a row a system: the ranking, and the further metrics by family."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from statistics import fmean, stdev

from benchbench.contract import Json, Record
from benchbench.evidence import DatasetEvidence, System, SystemEvidence
from benchbench.leaderboard.tables import Column, Entry, Row, Table, p_text
from benchbench.leaderboard.titles import title_of

SECOND = {"single-label": "accuracy", "multi-label": "macro_f1"}
"""The metric that stands beside the one that ranks."""
OTHER_SECOND = "weighted_f1"
"""The one that does where that ranks itself."""
FAMILIES = (
    ("metrics", "Further metrics", re.compile(
        r"macro_f1|micro_f1|weighted_f1|samples_f1|accuracy|exact_match|mcc|(head|mid|tail)_.*")),
    ("guesses", "Guesses", re.compile(
        r"(precision|recall)_at_\d+|top_prediction|three_guesses|all_categories")),
    ("hierarchy", "Hierarchy", re.compile(r"hierarchical_.*|level_\d+_f1")),
    ("thresholds", "Other thresholds", re.compile(r".*_f1_(fixed|per_label)|threshold")),
    ("calibration", "Calibration", re.compile(
        r"(ece|ece_mass|ece_per_label|brier|nll)(_scaled)?|temperature")),
)  # fmt: skip
"""Tables of further metrics: key, title, and which metrics belong to it."""
ORDER = ("macro_f1", "micro_f1", "weighted_f1", "samples_f1", "accuracy", "exact_match", "mcc",
         "head_macro_f1", "mid_macro_f1", "tail_macro_f1", "precision_at_1", "precision_at_3",
         "precision_at_5", "recall_at_1", "recall_at_3", "recall_at_5", "top_prediction",
         "three_guesses", "all_categories", "hierarchical_f1", "hierarchical_precision",
         "hierarchical_recall", "threshold", "micro_f1_fixed", "macro_f1_fixed",
         "micro_f1_per_label", "macro_f1_per_label", "ece", "ece_mass", "ece_per_label", "brier",
         "nll", "temperature", "ece_scaled", "ece_mass_scaled", "brier_scaled",
         "nll_scaled")  # fmt: skip
NAMES = (Column.of("method", "method", words=True), Column.of("backbone", "backbone", words=True))
COSTS = (
    ("trainable_parameters", "trained parameters"),
    ("fit_seconds", "training s"),
    ("documents_per_second", "documents/s"),
    ("peak_mib", "peak MiB"),
)


def ranking(
    facts: Json,
    ranked: Sequence[System],
    partial: Iterable[System],
    evidence: DatasetEvidence | None,
) -> Table:
    """Return the table that ranks: score, how sure, how calibrated, what it costs."""
    columns = _columns(facts, evidence)
    rows = [_row(facts, evidence, place, system) for place, system in enumerate(ranked, start=1)]
    rows += [_row(facts, evidence, None, system) for system in partial]
    return Table("ranking", "Ranking", columns, (*rows, *_reported(facts, columns)))


def _columns(facts: Json, evidence: DatasetEvidence | None) -> tuple[Column, ...]:
    main, second = facts["main_metric"], _second(facts)
    documents = f", n = {evidence.documents:,}" if evidence else ""
    return (
        *NAMES,
        Column.of(main, title_of(main)),
        Column.of(f"{main}_sd", "SD over seeds"),
        Column("seeds", ("seeds", "seeds_asked")),
        Column(f"95 % interval{documents}", ("low", "high", "bca_low", "bca_high")),
        Column("tied", ("letters",)),
        Column("rank", ("best_rank", "worst_rank")),
        Column("p vs baseline", ("p_baseline_holm", "p_baseline")),
        Column.of(second, title_of(second)),
        Column.of("ece", "ECE"),
        *(Column.of(key, title) for key, title in COSTS),
    )


def _row(facts: Json, evidence: DatasetEvidence | None, place: int | None, system: System) -> Row:
    """Return the row of a system, in the order of `_columns`."""
    main = facts["main_metric"]
    counts = (len(system.records), len(system.cells))
    return Row(
        place,
        (
            *_names(system),
            Entry.number(system.mean(main)),
            _deviation(system.values(main)),
            Entry(f"{counts[0]} of {counts[1]}", counts),
            *_certainty(evidence, system if place else None),
            Entry.number(system.mean(_second(facts))),
            Entry.number(system.mean("ece")),
            *_costs(system.records),
        ),
    )


def _second(facts: Json) -> str:
    """Return the metric that stands beside the main one."""
    usual = SECOND[facts["kind"]]
    return usual if usual != facts["main_metric"] else OTHER_SECOND


def further_tables(facts: Json, ranked: Sequence[System], partial: Iterable[System]) -> list[Table]:
    """Return a table for every family of metrics of which some system has a value."""
    systems = [*enumerate(ranked, start=1), *((None, system) for system in partial)]
    shown = {facts["main_metric"], _second(facts), "labels_without_support"}
    plugins = tuple(facts.get("plugin_metrics", ()))
    found = {
        name
        for _, system in systems
        for record in system.records
        for name, value in record.metrics["test"].items()
        if value is not None
    }
    tables = []
    for key, title, pattern in FAMILIES:
        names = sorted(
            (name for name in found if pattern.fullmatch(name) and name not in plugins), key=_order
        )
        names = [name for name in names if name not in shown]
        tables.append(_family(facts, systems, key, title, names))
    # one that failed everywhere is shown, too
    tables.append(_family(facts, systems, "plugins", "Metrics of plugins", plugins))
    return [table for table in tables if len(table.columns) > len(NAMES)]


def _family(
    facts: Json,
    systems: Iterable[tuple[int | None, System]],
    key: str,
    title: str,
    names: Sequence[str],
) -> Table:
    columns = (*NAMES, *(Column(title_of(name), (name, f"{name}_sd")) for name in names))
    rows = [
        Row(place, (*_names(system), *(_score(system.values(name)) for name in names)))
        for place, system in systems
    ]
    return Table(key, title, columns, (*rows, *_reported(facts, columns)))


def _order(name: str) -> tuple[int, str]:
    return (ORDER.index(name) if name in ORDER else len(ORDER), name)


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


def _certainty(evidence: DatasetEvidence | None, of: System | None) -> tuple[Entry, ...]:
    """Return interval, letters, ranks and the p value against the best baseline method."""
    place = evidence.place(of.method, of.backbone) if evidence and of else None
    if evidence is None or place is None:
        return Entry.empty(4), Entry.empty(), Entry.empty(2), Entry.empty(2)
    system = evidence.systems[place]
    ranks = (system.best_rank, system.worst_rank)
    return (
        _interval(system),
        Entry.words(system.letters),
        Entry(f"{ranks[0]}" if ranks[0] == ranks[1] else f"{ranks[0]} to {ranks[1]}", ranks),
        _p_to_baseline(evidence, place),
    )


def _interval(system: SystemEvidence) -> Entry:
    found = system.interval
    return Entry(
        f"{found.low:.3f} to {found.high:.3f}",
        (found.low, found.high, found.bca_low, found.bca_high),
    )


def _p_to_baseline(evidence: DatasetEvidence, place: int) -> Entry:
    if evidence.baseline is None or evidence.baseline == place:
        return Entry.empty(2)
    pair = evidence.pair(place, evidence.baseline)
    return Entry(p_text(pair.p_holm), (pair.p_holm, pair.p))


def _costs(records: Sequence[Record]) -> tuple[Entry, ...]:
    mark = "*" if any(record.cost.get("cells_beside") for record in records) else ""
    trained = [record.facts.get("trainable_parameters") for record in records]
    counts = [count for count in trained if isinstance(count, int)]
    gpu = _mean_cost(records, "peak_gpu_mib")
    memory = gpu if gpu is not None else _mean_cost(records, "peak_ram_mib")
    return (
        Entry.number(counts[0] if counts else None, ","),
        Entry.number(_mean_cost(records, "fit_seconds"), ".1f", mark),
        Entry.number(_mean_cost(records, "documents_per_second"), ",.0f", mark),
        Entry.number(memory, ",.0f", " GPU" if gpu is not None else ""),
    )


def _mean_cost(records: Iterable[Record], name: str) -> float | None:
    values = [value for record in records if (value := record.cost.get(name)) is not None]
    return fmean(values) if values else None


def _reported(facts: Json, columns: Sequence[Column]) -> list[Row]:
    """Return the published scores of this table's metrics, and nothing that was not reported."""
    rows = []
    for baseline in facts.get("baselines", ()):
        if not any(baseline["metric"] == column.keys[0] for column in columns):
            continue
        entries = [
            Entry(f"{baseline['value']:.3f}", (baseline["value"], *(None for _ in column.keys[1:])))
            if column.keys[0] == baseline["metric"]
            else Entry.empty(len(column.keys))
            for column in columns
        ]
        entries[:2] = Entry.words(baseline["name"]), Entry.words("as reported")
        rows.append(Row(None, tuple(entries), reported=True))
    return rows

"""From a frozen board and its records to a table model: pure, the same in gives the same out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev

from benchbench.board import Board, BoardCell
from benchbench.parameters import Params
from benchbench.types import Json, Record, Split

METRICS = {
    "single-label": ("macro_f1", "accuracy", "weighted_f1", "micro_f1"),
    "multi-label": ("micro_f1", "macro_f1", "samples_f1", "weighted_f1", "exact_match"),
}
TITLES = {
    "macro_f1": "macro-F1",
    "micro_f1": "micro-F1",
    "weighted_f1": "weighted-F1",
    "samples_f1": "samples-F1",
    "accuracy": "accuracy",
    "exact_match": "exact match",
}
RULES = {
    "single-label": "A document gets the label with the highest score.",
    "multi-label": "A document gets every label whose score is above one threshold for all "
    "labels, tuned on validation for micro-F1; the same rule for every system.",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One system: its texts in the order of the columns, and its place (None: not ranked)."""

    place: int | None
    entries: tuple[str, ...]
    reported: bool = False
    """Whether somebody else published it: shown as it was reported, never ranked."""


@dataclass(frozen=True, slots=True)
class Section:
    """The table of one dataset. The first `words` columns are text, the others numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    failures: tuple[str, ...]
    notes: tuple[str, ...]
    words: int = 2


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """A table model, ready to be rendered."""

    title: str
    sections: tuple[Section, ...]
    notes: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Search:
    """How a system came by its parameters: so many tries, the best on validation, their cost."""

    tries: int
    chosen: Params
    fit_seconds: float


@dataclass(frozen=True, slots=True)
class System:
    """All seeds of one method on one backbone on one dataset."""

    method: str
    backbone: str
    cells: tuple[BoardCell, ...]
    records: tuple[Record, ...]
    search: Search | None = None

    @property
    def complete(self) -> bool:
        """Say whether every seed that was asked for has a result."""
        return len(self.records) == len(self.cells)

    def mean(self, metric: str, split: Split = "test") -> float | None:
        """Return the mean of a split's metric over the seeds, None where it has no value."""
        values = self.values(metric, split)
        return fmean(values) if values else None

    def values(self, metric: str, split: Split = "test") -> list[float]:
        """Return a split's metric for every seed that has a value."""
        found = [record.metrics[split].get(metric) for record in self.records]
        return [value for value in found if value is not None]


def build(board: Board, records: Mapping[str, Record | None]) -> Leaderboard:
    """Return the leaderboard of a board. `records` maps a cell id to the record that counts."""
    records = {cell: _with_values(record, board.values) for cell, record in records.items()}
    sections = tuple(
        _section(name, facts, _cells_of(board, name), records)
        for name, facts in sorted(board.datasets.items())
    )
    return Leaderboard(board.title, sections, _notes(board, records), board.note)


def _with_values(
    record: Record | None, values: Mapping[str, Mapping[str, float | None]]
) -> Record | None:
    """Return a record with the values of plugins' metrics that the board froze for its cell."""
    if record is None or record.status != "ok" or record.id not in values:
        return record
    test = {**record.metrics["test"], **values[record.id]}
    return replace(record, metrics={**record.metrics, "test": test})


def _cells_of(board: Board, dataset: str) -> list[BoardCell]:
    return [entry for entry in board.cells if entry.cell.dataset.name == dataset]


def _section(
    name: str, facts: Json, cells: Sequence[BoardCell], records: Mapping[str, Record | None]
) -> Section:
    metrics = METRICS[facts["kind"]]
    main = facts["main_metric"]
    metrics = (main, *(metric for metric in metrics if metric != main))
    metrics += tuple(facts.get("plugin_metrics", ()))
    systems = _systems(cells, records, main)
    ranked = sorted(
        (system for system in systems if system.complete),
        key=lambda system: (-(system.mean(main) or 0.0), system.method, system.backbone),
    )
    partial = [system for system in systems if not system.complete and system.records]
    columns = (
        "method", "backbone", *(TITLES.get(metric, metric) for metric in metrics), "seeds",
        "trained parameters", "training s", "documents/s", "peak MiB",
    )  # fmt: skip
    rows = [Row(place, _entries(system, metrics)) for place, system in enumerate(ranked, start=1)]
    rows += [Row(None, _entries(system, metrics)) for system in partial]
    rows += [_reported(baseline, metrics, len(columns)) for baseline in facts.get("baselines", ())]
    notes = (*_dataset_notes(facts, records, cells), *_search_notes(systems))
    return Section(name, columns, tuple(rows), _failures(cells, records), notes)


def _search_notes(systems: Iterable[System]) -> list[str]:
    """Say of every searched system how often it was tried, what was chosen, and what all cost."""
    notes = []
    for system in systems:
        if search := system.search:
            chosen = ", ".join(f"{name} = {value}" for name, value in search.chosen.items())
            backbone = f" · {system.backbone}" if system.backbone else ""
            notes.append(
                f"{system.method}{backbone}: the best of {search.tries} tries on validation, "
                f"{chosen}; all tries together trained {search.fit_seconds:,.1f} s."
            )
    return notes


def _reported(baseline: Json, metrics: Sequence[str], width: int) -> Row:
    """Return the row of a published score: its one metric, and nothing that was not reported."""
    scores = [
        f"{baseline['value']:.3f}" if metric == baseline["metric"] else "–" for metric in metrics
    ]
    row = (baseline["name"], "as reported", *scores)
    return Row(None, (*row, *("–" for _ in range(width - len(row)))), reported=True)


def _systems(
    cells: Iterable[BoardCell], records: Mapping[str, Record | None], main: str
) -> list[System]:
    grouped: dict[tuple[str, str], list[BoardCell]] = {}
    for entry in cells:
        backbone = entry.cell.backbone.name if entry.cell.backbone else ""
        grouped.setdefault((entry.cell.method.name, backbone), []).append(entry)
    return [
        _best_try(_tries(method, backbone, group, records), main)
        for (method, backbone), group in grouped.items()
    ]


def _tries(
    method: str,
    backbone: str,
    cells: Iterable[BoardCell],
    records: Mapping[str, Record | None],
) -> list[System]:
    """Return a system a combination of what was searched; one where nothing was."""
    grouped: dict[str, list[BoardCell]] = {}
    for entry in cells:
        grouped.setdefault(str(sorted(entry.tried.items())), []).append(entry)
    tries = []
    for _, group in sorted(grouped.items()):
        found = [records.get(entry.id) for entry in group]
        good = tuple(record for record in found if record and record.status == "ok")
        tries.append(System(method, backbone, tuple(group), good))
    return tries


def _best_try(tries: Sequence[System], main: str) -> System:
    """Return the try with the best mean of the main metric on validation; test has no say.

    Tries that lack a seed lose against those that do not; of equal ones the first counts.
    """
    if len(tries) == 1:
        return tries[0]
    best = max(tries, key=lambda one: (one.complete, one.mean(main, "validation") or 0.0))
    spent = [record.cost.get("fit_seconds") or 0.0 for one in tries for record in one.records]
    return replace(best, search=Search(len(tries), best.cells[0].tried, sum(spent)))


def _entries(system: System, metrics: Iterable[str]) -> tuple[str, ...]:
    records = system.records
    beside = any(record.cost.get("cells_beside") for record in records)
    speed = _mean_cost(records, "documents_per_second")
    training = _mean_cost(records, "fit_seconds")
    gpu = _mean_cost(records, "peak_gpu_mib")
    memory = gpu if gpu is not None else _mean_cost(records, "peak_ram_mib")
    trained = [record.facts.get("trainable_parameters") for record in records]
    trained = [count for count in trained if isinstance(count, int)]
    mark = "*" if beside else ""
    return (
        system.method,
        system.backbone or "–",
        *(_score(system.values(metric)) for metric in metrics),
        f"{len(records)} of {len(system.cells)}",
        f"{trained[0]:,}" if trained else "–",
        "–" if training is None else f"{training:.1f}{mark}",
        "–" if speed is None else f"{speed:,.0f}{mark}",
        "–" if memory is None else f"{memory:,.0f}{' GPU' if gpu is not None else ''}",
    )


def _score(values: list[float]) -> str:
    if not values:
        return "–"
    spread = f" ± {stdev(values):.3f}" if len(values) > 1 else ""
    return f"{fmean(values):.3f}{spread}"


def _mean_cost(records: Iterable[Record], name: str) -> float | None:
    values = [value for record in records if (value := record.cost.get(name)) is not None]
    return fmean(values) if values else None


def _failures(cells: Iterable[BoardCell], records: Mapping[str, Record | None]) -> tuple[str, ...]:
    lines = []
    for entry in cells:
        record = records.get(entry.id)
        if record is None:
            lines.append(f"{entry.cell.title}: not run")
        elif record.status != "ok":
            lines.append(f"{entry.cell.title}: {record.status}: {record.reason}")
    return tuple(lines)


def _dataset_notes(
    facts: Json, records: Mapping[str, Record | None], cells: Iterable[BoardCell]
) -> tuple[str, ...]:
    documents = facts["documents"]
    good = [record for entry in cells if (record := records.get(entry.id)) and record.metrics]
    absent = [record.metrics["test"].get("labels_without_support") or 0.0 for record in good]
    notes = [
        f"{documents['train']:,} documents to train on, {documents['validation']:,} to validate, "
        f"{documents['test']:,} to test; {facts['labels']} labels"
        + (f", {max(absent):.0f} of them without a test document" if any(absent) else "")
        + f". Fingerprint {facts['fingerprint'][:16]}.",
        RULES[facts["kind"]],
    ]
    if facts["unseen_labels"]:
        notes.append(
            f"{len(facts['unseen_labels'])} labels occur outside training only; they cannot be "
            f"predicted and count as missed: {', '.join(facts['unseen_labels'])}."
        )
    if facts["skipped_rows"]:
        notes.append(f"{facts['skipped_rows']} rows of the source were skipped, as was asked.")
    notes += [f"Warning: {warning}." for warning in facts["warnings"]]
    if names := facts.get("plugin_metrics"):
        notes.append(f"Computed by plugins when the run ended: {', '.join(names)}.")
    notes += [
        f"{baseline['name']}, as reported: {TITLES.get(baseline['metric'], baseline['metric'])} "
        f"{baseline['value']:g}. {baseline['citation']}"
        + (f" ({baseline['note']})" if baseline["note"] else "")
        for baseline in facts.get("baselines", ())
    ]
    return tuple(notes)


def _notes(board: Board, records: Mapping[str, Record | None]) -> tuple[str, ...]:
    good = [record for record in records.values() if record and record.status == "ok"]
    covered = f"{len(good)} of {len(board.cells)} cells have a result."
    notes = [
        "F1 of a label is 2TP / (2TP + FP + FN), 0 where that is 0/0; macro-F1 is the mean over "
        "all labels. ± is the standard deviation over seeds (n - 1). Everything tuned was tuned "
        "on validation, which also served early stopping. "
        "Peak memory is what a cell took above its start.",
        covered,
    ]
    if any(record.cost.get("cells_beside") for record in good):
        notes.append("* measured while other cells ran on the same machine.")
    notes += _licences(good)
    notes += _machines(good)
    notes += [f"Not part of the grid: {reason}." for reason in board.dropped]
    if board.command:
        notes.append(f"Made by: {board.command}")
    return tuple(notes)


def _licences(records: Iterable[Record]) -> list[str]:
    """Name the terms of every backbone that has a result."""
    found = {
        record.cell.backbone.name: str(record.provenance.get("licence") or "unconfirmed")
        for record in records
        if record.cell.backbone is not None
    }
    terms = ", ".join(f"{name} {licence}" for name, licence in sorted(found.items()))
    return [f"Licences of the backbones: {terms}."] if found else []


def _machines(records: Iterable[Record]) -> list[str]:
    """Say on what the records were made; costs of different machines cannot be compared."""
    found = sorted(
        {
            f"benchbench {facts.get('benchbench')}, torch {_packages(facts).get('torch')}, "
            f"{facts.get('device')}, {facts.get('threads')} threads a cell"
            for record in records
            if (facts := record.provenance)
        }
    )
    head = "Made with: " if len(found) == 1 else "Made with different machines or versions: "
    return [head + "; ".join(found) + "."] if found else []


def _packages(facts: Json) -> Json:
    found = facts.get("packages")
    return found if isinstance(found, dict) else {}

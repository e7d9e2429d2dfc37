"""A board: the cells that a leaderboard is made of, frozen when they were run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field

from benchbench.catalog import share_of, whole_of
from benchbench.contract import (
    SPLITS,
    Cell,
    CorpusDescription,
    Count,
    Json,
    Kind,
    Metric,
    Params,
    Positive,
    Record,
    Sha256,
    Split,
)
from benchbench.evaluation import METRICS, metrics_of
from benchbench.evidence.values import Evidence
from benchbench.records import Store, read_typed, record_that_counts, records_of, write_json


@dataclass(frozen=True, slots=True)
class BoardCell:
    """One cell of a board, and the key of the record that counts for it.

    `tried` has the method's parameters that this try of a search has; it is empty without a
    search.
    """

    cell: Cell
    id: Sha256
    key: Sha256 | None
    tried: Params = field(default_factory=dict)

    def to_json(self) -> Json:
        """Return this cell as plain data."""
        return {
            "cell": self.cell.to_json(),
            "id": self.id,
            "key": self.key,
            "tried": dict(self.tried),
        }


@dataclass(frozen=True, slots=True)
class PublishedScore:
    """A score that somebody else published, shown as reported and never ranked.

    It was measured on `dataset` with `params`; a board of version 0.2.0 has neither.
    """

    name: str
    metric: str
    value: float
    citation: str
    note: str = ""
    dataset: str = ""
    params: Params = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MetricColumn:
    """The column of a metric. A board keeps this of each plugin's metric."""

    name: str
    title: str
    family: str
    kinds: tuple[Kind, ...]
    lower_is_better: bool = False
    limits: tuple[float, float] | None = None

    @classmethod
    def of(cls, metric: Metric) -> MetricColumn:
        """Return the column of a metric."""
        return cls(
            metric.name,
            metric.title,
            metric.family,
            metric.kinds,
            metric.lower_is_better,
            metric.limits,
        )


@dataclass(frozen=True, slots=True)
class BoardDataset:
    """What a board keeps of a dataset. `labels` is the number of labels."""

    fingerprint: Sha256
    kind: Kind
    main_metric: str
    documents: Mapping[Split, Count]
    labels: Positive
    unseen_labels: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    skipped_rows: Count = 0
    baselines: tuple[PublishedScore, ...] = ()

    @classmethod
    def of(cls, corpus: CorpusDescription) -> BoardDataset:
        """Return what a board keeps of a corpus."""
        return cls(
            corpus.fingerprint,
            corpus.kind,
            corpus.main_metric,
            corpus.documents,
            len(corpus.labels),
            corpus.labels.unseen,
            corpus.report.warnings,
            len(corpus.report.skipped),
        )

    def to_json(self) -> Json:
        """Return this dataset as plain data."""
        return asdict(self)

    def check(self) -> None:
        """Raise ValueError unless there is a number of documents per split, and a label."""
        if set(self.documents) != set(SPLITS):
            raise ValueError("documents must have a number for train, validation and test")
        if self.main_metric not in {metric.name for metric in metrics_of(self.kind)}:
            raise ValueError(f"no metric of {self.kind} data has the name of its main metric")


@dataclass(frozen=True, slots=True)
class Board:
    """A frozen board.

    `datasets` maps the name of a dataset to what the board keeps of it. `baseline_methods` names
    the methods that need no causal language model, `seed_free_methods` those whose result does not
    depend on the seed.

    Reading a board runs no plugin, so the results of plugins' metrics are frozen in it:

    - `plugin_metrics`: their columns.
    - `values`: their values on test, by cell id and metric.
    - `plugin_evidence`: intervals and tests of those that are additive, by metric.
    """

    name: str
    title: str
    cells: tuple[BoardCell, ...]
    datasets: Mapping[str, BoardDataset]
    dropped: tuple[str, ...] = ()
    command: str = ""
    values: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    note: str = ""
    baseline_methods: tuple[str, ...] = ()
    plugin_metrics: tuple[MetricColumn, ...] = ()
    plugin_evidence: Mapping[str, Evidence] = field(default_factory=dict)
    seed_free_methods: tuple[str, ...] = ()

    def to_json(self) -> Json:
        """Return this board as plain data."""
        return {
            "name": self.name,
            "title": self.title,
            "cells": [entry.to_json() for entry in self.cells],
            "datasets": {name: dataset.to_json() for name, dataset in self.datasets.items()},
            "dropped": list(self.dropped),
            "command": self.command,
            "values": {cell: dict(values) for cell, values in self.values.items()},
            "note": self.note,
            "baseline_methods": list(self.baseline_methods),
            "plugin_metrics": [asdict(metric) for metric in self.plugin_metrics],
            "plugin_evidence": {
                name: evidence.to_json() for name, evidence in self.plugin_evidence.items()
            },
            "seed_free_methods": list(self.seed_free_methods),
        }

    @staticmethod
    def fields_of(data: Json) -> Json:
        """Return the fields of a stored board, or of one of version 0.1.0."""
        return data if "plugin_metrics" in data else _of_version_0_1_0(data)

    def check(self) -> None:
        """Raise ValueError where a part names a cell, dataset or metric that the board lacks."""
        cells = {entry.id for entry in self.cells}
        columns = {column.name: column for column in self.plugin_metrics}
        if len(cells) != len(self.cells):
            raise ValueError("a cell is on the board twice")
        if len(columns) != len(self.plugin_metrics):
            raise ValueError("a column is on the board twice")
        if {entry.cell.dataset.name for entry in self.cells} - set(self.datasets):
            raise ValueError("a cell has a dataset that is not among the datasets")
        if set(self.values) - cells:
            raise ValueError("values has a cell that is not on the board")
        if set(self.plugin_evidence) - set(columns):
            raise ValueError("plugin_evidence has a metric that is not in plugin_metrics")
        for evidence in self.plugin_evidence.values():
            evidence.check_fits(cells, self.datasets)

    def lower_is_better(self, metric: str) -> bool:
        """Say whether lower values of a metric are better."""
        ours = (known.lower_is_better for known in METRICS if known.name == metric)
        theirs = (column.lower_is_better for column in self.plugin_metrics if column.name == metric)
        return any((*ours, *theirs))

    def limits(self, metric: str) -> tuple[float, float] | None:
        """Return the lowest and the highest value of a metric; None without limits."""
        columns = (*map(MetricColumn.of, METRICS), *self.plugin_metrics)
        return next((column.limits for column in columns if column.name == metric), None)

    @property
    def wholes(self) -> Mapping[str, BoardDataset]:
        """The datasets that are ranked: all but those with a share of the training documents."""
        parts = {
            entry.cell.dataset.name for entry in self.cells if share_of(entry.cell.dataset) < 1
        }
        return {name: dataset for name, dataset in self.datasets.items() if name not in parts}

    @staticmethod
    def whole_of(cell: Cell) -> str:
        """Return the name of the dataset of a cell with all its training documents."""
        return whole_of(cell.dataset).name

    def parts_of(self, dataset: str) -> dict[str, float]:
        """Return the datasets with a share of this one's training documents, smallest first."""
        parts = {
            entry.cell.dataset.name: share_of(entry.cell.dataset)
            for entry in self.cells
            if share_of(entry.cell.dataset) < 1 and whole_of(entry.cell.dataset).name == dataset
        }
        return dict(sorted(parts.items(), key=lambda part: part[1]))

    def cells_of(self, dataset: str) -> list[BoardCell]:
        """Return the cells of one dataset."""
        return [entry for entry in self.cells if entry.cell.dataset.name == dataset]


def _of_version_0_1_0(data: Json) -> Json:
    """Return a board in today's form: names of metrics stood with datasets, values could be null.

    What has a form that no version wrote stays as it is, and is then refused.
    """
    kinds: dict[str, list[Kind]] = {}
    datasets = dict(data["datasets"]) if _holds_tables(data.get("datasets")) else {}
    for name, dataset in datasets.items():
        datasets[name] = {n: value for n, value in dataset.items() if n != "plugin_metrics"}
        names = dataset.get("plugin_metrics", [])
        for metric in names if isinstance(names, list) else ():
            kinds.setdefault(str(metric), []).append(dataset.get("kind"))
    columns = [asdict(MetricColumn(name, name, "plugins", tuple(of))) for name, of in kinds.items()]
    board = {**data, "datasets": datasets or data.get("datasets"), "plugin_metrics": columns}
    if _holds_tables(data.get("values")):
        board["values"] = {
            cell: {name: value for name, value in values.items() if value is not None}
            for cell, values in data["values"].items()
        }
    return board


def _holds_tables(data: object) -> bool:
    return isinstance(data, dict) and all(isinstance(inner, dict) for inner in data.values())


def write_board(store: Store, board: Board, corpora: Iterable[CorpusDescription]) -> None:
    """Write the board and the descriptions of its datasets."""
    for corpus in corpora:
        write_json(store, "datasets", corpus.fingerprint, corpus.to_json())
    write_json(store, "boards", board.name, board.to_json())


def read_description(store: Store, fingerprint: str) -> CorpusDescription:
    """Return the stored description of a dataset; raise StoreError where there is none."""
    return read_typed(store, "datasets", fingerprint, CorpusDescription)


def records_on(store: Store, board: Board) -> dict[str, Record | None]:
    """Return the record that counts for every cell of a board, by cell id."""
    return {
        entry.id: record_that_counts(records_of(store, entry.id), entry.key)
        for entry in board.cells
    }

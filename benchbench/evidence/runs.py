"""What the stored predictions of every run say: its metrics, and what comparing needs of it.

Runs are read one at a time. Nothing here needs a model, a plugin or the network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchbench.contract import (
    AdditiveMetric,
    CorpusDescription,
    LabelFacts,
    Metric,
    Predictions,
    Record,
    ScoredSplit,
    StoreError,
)
from benchbench.evaluation import METRICS, metrics_of, tune
from benchbench.evidence.board import Board, read_description
from benchbench.evidence.values import Values
from benchbench.machine import file_digest
from benchbench.records import Store, read_predictions

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True)
class Documents:
    """The test documents, which all systems must share to be compared.

    `support` counts those of every label, the labels outside the label space last.
    """

    ids: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    support: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RunScores:
    """What is kept of one run.

    `values` has every metric of validation and test, `additive` the metrics on test that are
    compared. The rest is of test: `right` is bool [documents], `reliability` float [bins, 3]
    (mean confidence, accuracy, decisions), `label_f1` float [labels], `confusion` float
    [labels, labels].
    """

    seed: int
    values: Values
    additive: Mapping[str, AdditiveMetric]
    documents: Documents
    right: np.ndarray
    reliability: np.ndarray
    label_f1: np.ndarray
    confusion: np.ndarray


@dataclass(frozen=True, slots=True)
class ScoredRuns:
    """All runs of a board that could be read, by cell id, and why the others could not.

    `corpora` maps the fingerprint of a dataset to what the store knows of it.
    """

    runs: Mapping[str, RunScores] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    corpora: Mapping[str, CorpusDescription] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, Values]:
        """The values of every run, by cell id."""
        return {cell: run.values for cell, run in self.runs.items()}


def score_board(
    store: Store,
    board: Board,
    records: Mapping[str, Record | None],
    compared: Iterable[str],
    metrics: Iterable[Metric] = METRICS,
) -> ScoredRuns:
    """Read the predictions of every run of a board; `compared` names the metrics to compare by."""
    runs: dict[str, RunScores] = {}
    unread: dict[str, str] = {}
    corpora: dict[str, CorpusDescription] = {}
    documents: dict[str, Documents] = {}
    for entry in board.cells:
        record = records.get(entry.id)
        if record is None or record.status != "ok":
            continue
        fingerprint = board.datasets[entry.cell.dataset.name].fingerprint
        try:
            if fingerprint not in corpora:
                corpora[fingerprint] = read_description(store, fingerprint)
            run = score_run(store, corpora[fingerprint], record, compared, metrics)
            shared = documents.setdefault(fingerprint, run.documents)
            # the ids of many documents are kept once, not once per run
            runs[entry.id] = replace(run, documents=shared) if run.documents == shared else run
        except StoreError as error:
            unread[entry.id] = str(error)
    return ScoredRuns(runs, unread, corpora)


def score_run(
    store: Store,
    corpus: CorpusDescription,
    record: Record,
    compared: Iterable[str],
    metrics: Iterable[Metric] = METRICS,
) -> RunScores:
    """Return what the predictions of a record say; raise StoreError where they cannot be read."""
    made_on = record.identity.get("dataset", corpus.fingerprint)
    if made_on != corpus.fingerprint:
        raise StoreError("it was made on other data than the board's: the fingerprints differ")
    path = store.folder("predictions") / f"{record.predictions}.parquet"
    predictions = stored_predictions(path, corpus.label_facts)
    hard = bool(record.facts.get("hard"))
    tuning = tune(corpus.kind, predictions["validation"], hard)
    values: dict[str, dict[str, float]] = {}
    additive: dict[str, AdditiveMetric] = {}
    for split, part in predictions.items():
        scored = ScoredSplit(corpus.kind, part, corpus.label_facts, tuning, hard)
        values[split] = {}
        for metric in metrics_of(corpus.kind, metrics):
            # one after another: the sums of a large split are let go before the next are made
            result = metric.function(scored)
            if isinstance(result, AdditiveMetric):
                values[split][metric.name] = result.value()
                if split == "test" and metric.name in compared:
                    additive[metric.name] = result
            elif result is not None:
                values[split][metric.name] = float(result)
    return _run_scores(record, scored, values, additive)


def _run_scores(
    record: Record, test: ScoredSplit, values: Values, additive: Mapping[str, AdditiveMetric]
) -> RunScores:
    import numpy as np

    from benchbench.evaluation import label_f1, reliability

    gold, decided = test.predictions.gold, test.decided()
    single = test.kind == "single-label"
    right = (gold & decided).any(axis=1) if single else (gold == decided).all(axis=1)
    bins = () if test.hard else reliability(test)
    first, second = (gold, decided) if single else (gold & ~decided, decided & ~gold)
    support = tuple(gold.sum(axis=0).tolist())
    return RunScores(
        record.cell.seed,
        values,
        additive,
        Documents(test.predictions.ids, test.predictions.groups, support),
        right,
        np.array(bins, dtype=float).reshape(-1, 3),
        label_f1(test),
        first.astype(np.float32).T @ second.astype(np.float32),
    )


def stored_predictions(path: Path, labels: LabelFacts) -> Mapping[str, Predictions]:
    """Return the predictions of both splits; raise StoreError unless they fit the labels.

    The file's name is its sha256: a byte of it that was changed is a fault, and is named.
    """
    import numpy as np

    try:
        unchanged = file_digest(path) == path.stem
    except OSError as error:
        raise StoreError(f"{path.name} cannot be read ({error.strerror})") from error
    if not unchanged:
        raise StoreError(f"{path.name} is not what its name says: a byte of it was changed")
    predictions = read_predictions(path, len(labels.space.columns))
    for split, part in predictions.items():
        if not len(part.ids):
            raise StoreError(f"{path.name} holds no predictions of {split}")
        if part.logits.shape[1] != len(labels.space) or not np.isfinite(part.logits).all():
            raise StoreError(f"{path.name}: {split} has not one finite score for each label")
    return predictions
